import type { Request, RequestHandler } from 'express';
import { ipKeyGenerator } from 'express-rate-limit';
import { createError } from '../errors/errors.js';
import { mostPerMinute } from './rate.js';

/** Lets through whoever `check` throws nothing at. */
export type FailedAuthenticationLimiter = (check: (request: Request) => void) => RequestHandler;

/**
 * Doors that a secret or token opens, counting together: after so many failures of one address within a minute none
 * of them looks at what it brings, so guessing is slow whoever guesses, and wherever.
 */
export function failedAuthenticationLimiter(mostFailures: number): FailedAuthenticationLimiter {
  // Passed by failures alone: a page that loads fifty pictures at once guesses nothing.
  const failures = mostPerMinute(mostFailures);
  return (check) => async (request, response, next) => {
    const before = await failures.getKey(ipKeyGenerator(request.ip ?? ''));
    if (before !== undefined && before.totalHits >= mostFailures) throw createError('too_many_requests', {});
    try {
      check(request);
    } catch (error) {
      // Who brings nothing has not signed in yet.
      const isGuess = ['authorization', 'x-plainview-secret'].some((name) => request.get(name) !== undefined);
      return isGuess ? failures(request, response, () => next(error)) : next(error);
    }
    next();
  };
}
