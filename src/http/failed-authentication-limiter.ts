import type { Request, RequestHandler } from 'express';
import { ipKeyGenerator } from 'express-rate-limit';
import { createError, PlainviewError } from '../errors/errors.js';
import { limitPerMinute } from './rate.js';

const credentialHeaders = [
  'authorization',
  'x-plainview-signature',
  'x-plainview-hook-key',
  'x-plainview-secret',
];
const isGenuine = (error: unknown): boolean =>
  error instanceof PlainviewError && ['clocks_differ', 'request_replayed'].includes(error.code);

/** Makes a handler that passes a request on if `check` does not throw. */
export type FailedAuthenticationLimiter = (check: (request: Request) => void) => RequestHandler;

/**
 * Limits the guessing of secrets and tokens. All handlers of one limiter count failures together, by address. After
 * `maxFailures` within a minute, each handler refuses requests from that address without checking them.
 */
export function failedAuthenticationLimiter(maxFailures: number): FailedAuthenticationLimiter {
  // Only failures are counted: a page that loads fifty pictures at once is not guessing.
  const failures = limitPerMinute(maxFailures);
  return (check) => async (request, response, next) => {
    const before = await failures.getKey(ipKeyGenerator(request.ip ?? ''));
    if (before !== undefined && before.totalHits >= maxFailures) throw createError('too_many_requests', {});
    try {
      check(request);
    } catch (error) {
      // A request without a secret or token is not a guess: the person has not signed in yet.
      // Nor is one that was signed with the right key, at another time or for the second time.
      const isGuess = credentialHeaders.some((name) => request.get(name) !== undefined) && !isGenuine(error);
      return isGuess ? failures(request, response, () => next(error)) : next(error);
    }
    next();
  };
}
