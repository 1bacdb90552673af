import type { ErrorRequestHandler, Request, Response } from 'express';
import type { Logger } from 'pino';
import { type ErrorCode, PlainviewError } from '../errors.js';

/** HTTP status of the errors that a caller can cause; anything else is ours, hence 500. */
const statuses: Partial<Record<ErrorCode, number>> = {
  unauthorised: 401,
  forbidden: 403,
  other_site: 403,
  not_json: 415,
  too_many_requests: 429,
  method_unknown: 405,
  request_unknown: 404,
  study_unknown: 404,
  request_malformed: 400,
  request_too_large: 413,
  route_unknown: 404,
};

/** Answers an error as problem+json (RFC 9457), with the catalogue's code. */
export function sendProblem(response: Response, error: PlainviewError): void {
  const status = statuses[error.code] ?? 500;
  if (status === 401) response.set('www-authenticate', 'Bearer');
  response.status(status).type('application/problem+json');
  response.send(JSON.stringify({ type: 'about:blank', title: error.message, status, code: error.code }));
}

/** The last handler: nothing leaves this service as a stack trace, and nothing of ours goes unlogged. */
export function problemHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, request: Request, response: Response, next) => {
    if (response.headersSent) return next(error);
    if (error instanceof PlainviewError && statuses[error.code] !== undefined)
      return sendProblem(response, error);
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
