import type { Request, RequestHandler } from 'express';
import { ipKeyGenerator } from 'express-rate-limit';
import { createError } from '../errors/errors.js';
import { mostPerMinute } from './rate.js';

/** Makes a handler that passes a request on if `check` does not throw. */
export type FailedAuthenticationLimiter = (check: (request: Request) => void) => RequestHandler;

/**
 * Limits guessing. All handlers made by one limiter count failures together, by address. After so many failures within
 * a minute, each of them refuses requests of that address without a look at their secret or token.
 */
export function failedAuthenticationLimiter(mostFailures: number): FailedAuthenticationLimiter {
  // Counts failures alone: a page that loads fifty pictures at once is not guessing.
  const failures = mostPerMinute(mostFailures);
  return (check) => async (request, response, next) => {
    const before = await failures.getKey(ipKeyGenerator(request.ip ?? ''));
    if (before !== undefined && before.totalHits >= mostFailures) throw createError('too_many_requests', {});
    try {
      check(request);
    } catch (error) {
      // A request without a secret or token is not a guess: the person has not signed in yet.
      const isGuess = ['authorization', 'x-plainview-secret'].some((name) => request.get(name) !== undefined);
      return isGuess ? failures(request, response, () => next(error)) : next(error);
    }
    next();
  };
}
