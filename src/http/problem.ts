import type { ErrorRequestHandler, Request, Response } from 'express';
import type { Logger } from 'pino';
import { type ErrorCode, PlainviewError } from '../errors/errors.js';

/** HTTP status of the errors that are not ours: a caller's, Orthanc's, the machine's. Anything else is 500. */
const statuses: Partial<Record<ErrorCode, number>> = {
  request_malformed: 400,
  attribute_unknown: 400,
  category_unknown: 400,
  destination_unknown: 400,
  cursor_unknown: 400,
  unauthorised: 401,
  forbidden: 403,
  other_site: 403,
  request_unknown: 404,
  study_unknown: 404,
  route_unknown: 404,
  page_not_built: 404,
  instance_gone: 404,
  instance_undecided: 404,
  orthanc_absent: 404,
  method_unknown: 405,
  decision_changed: 409,
  nothing_to_confirm: 409,
  rules_absent: 409,
  not_corrected: 409,
  orthanc_conflict: 409,
  request_too_large: 413,
  not_json: 415,
  instance_not_renderable: 422,
  picture_too_large: 422,
  picture_undecodable: 422,
  explanation_unavailable: 422,
  orthanc_unsupported: 422,
  too_many_requests: 429,
  busy: 429,
  orthanc_unreachable: 503,
  orthanc_timeout: 503,
  orthanc_refused: 503,
  orthanc_failed: 503,
  orthanc_rejected: 503,
  orthanc_unable: 503,
  orthanc_garbage: 503,
  orthanc_not_ready: 503,
  orthanc_too_old: 503,
  state_unusable: 503,
};

/** Answers an error as problem+json (RFC 9457), with the catalogue's code. */
function sendProblem(response: Response, error: PlainviewError): void {
  const status = statuses[error.code] ?? 500;
  if (status === 429 || status === 503) response.set('retry-after', '5');
  if (status === 401) response.set('www-authenticate', 'Bearer');
  response.status(status).type('application/problem+json');
  response.send(JSON.stringify({ type: 'about:blank', title: error.message, status, code: error.code }));
}

/** The last handler: nothing leaves this service as a stack trace, and nothing of ours goes unlogged. */
export function problemHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, request: Request, response: Response, next) => {
    // Whoever asked has left, and what was begun for them was given up.
    if (response.destroyed) return;
    if (response.headersSent) return next(error);
    if (error instanceof PlainviewError && statuses[error.code] !== undefined) {
      if (statuses[error.code] === 503) log.warn({ err: error }, 'a request failed');
      return sendProblem(response, error);
    }
    log.error({ err: error, method: request.method, path: request.path }, 'a request failed');
    response.status(500).type('application/problem+json');
    response.send(
      JSON.stringify({
        type: 'about:blank',
        title: "This is Plainview's fault; its log says why.",
        status: 500,
        code: 'internal',
      }),
    );
  };
}
