import type { ErrorRequestHandler } from 'express';
import { createError, PlainviewError } from '../errors/errors.js';

/**
 * Turns body-parser's errors into errors of the catalogue. All have a status; some have no type, such as zlib's for a
 * body that is declared as compressed and is not.
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
