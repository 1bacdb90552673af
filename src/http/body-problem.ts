import type { ErrorRequestHandler } from 'express';
import { createError, PlainviewError } from '../errors/errors.js';

/**
 * body-parser's errors in the catalogue's words. Some have no type (zlib's, where what is declared as compressed is
 * not), but all have a status.
 */
export function bodyProblem(limit: string, onProblem: () => void = () => undefined): ErrorRequestHandler {
  return (error: { type?: string; status?: number }, _request, _response, next) => {
    const { status = 500 } = error;
    if (error instanceof PlainviewError || status < 400 || status >= 500) return next(error);
    onProblem();
    if (error.type === 'entity.too.large') return next(createError('request_too_large', { limit }, error));
    next(createError('request_malformed', { problem: 'the body is not JSON' }, error));
  };
}
