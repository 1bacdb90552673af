import type { ErrorRequestHandler } from 'express';
import type { Logger } from 'pino';
import { asPlainviewError } from '../errors/errors.js';

/**
 * The last handler: answers an error as problem+json (RFC 9457), with the status and the code of the catalogue. An error
 * that is not in the catalogue is answered as `internal`. Its details are only in the log.
 */
export function problemHandler(log: Logger): ErrorRequestHandler {
  return (caught: unknown, request, response, next) => {
    // The client has disconnected.
    if (response.destroyed) return;
    if (response.headersSent) return next(caught);
    const error = asPlainviewError(caught);
    const { status, code, message: title, params } = error;
    if (status >= 500) {
      const level = status === 503 ? 'warn' : 'error';
      log[level]({ err: error, method: request.method, path: request.path }, 'a request failed');
    }
    if (status === 429 || status === 503) response.set('retry-after', '5');
    if (status === 401) response.set('www-authenticate', 'Bearer');
    response.status(status).type('application/problem+json');
    const hasParams = Object.keys(params).length > 0;
    response.send(
      JSON.stringify({ type: 'about:blank', title, status, code, ...(hasParams ? { params } : {}) }),
    );
  };
}
