import type { Request, RequestHandler } from 'express';
import { asPlainviewError, type PlainviewError } from '../errors/errors.js';
import { byAddress, limitPerMinute } from './rate.js';

const credentialHeaders = [
  'authorization',
  'x-plainview-signature',
  'x-plainview-hook-key',
  'x-plainview-secret',
];
/** These were signed with the right key, at another time or for the second time. */
const isGenuine = ({ code }: PlainviewError): boolean => ['clocks_differ', 'request_replayed'].includes(code);

/**
 * Makes a handler that passes a request on if `check` does not throw.
 * @param refused is told of a failure, but not of more than are allowed in a minute, so that it may write to the log
 */
export type FailedAuthenticationLimiter = (
  check: (request: Request) => void | Promise<void>,
  refused: (error: PlainviewError) => void,
) => RequestHandler;

/**
 * Limits the guessing of secrets and tokens. All handlers of one limiter count failures together, by address. After
 * `maxFailures` within a minute, further failures from that address are `too_many_requests`. Every request is checked
 * before that: many callers can have one address, and one who guesses must not keep out the others. So each check must
 * be cheap. This gives a guesser only checks of secrets that have too many bits to be guessed.
 * @param addressOf where other processes forward requests to this one: the address of the client
 */
export function failedAuthenticationLimiter(
  maxFailures: number,
  addressOf?: (request: Request) => string,
): FailedAuthenticationLimiter {
  // Only failures are counted: a page that loads fifty pictures at once is not guessing.
  const failures = limitPerMinute(maxFailures, addressOf && byAddress(addressOf));
  return (check, refused) => async (request, response, next) => {
    try {
      await check(request);
    } catch (caught) {
      const error = asPlainviewError(caught);
      // A request without a secret or token is not a guess: the person has not signed in yet.
      const hasCredentials = credentialHeaders.some((name) => request.get(name) !== undefined);
      if (error.status !== 401 || !hasCredentials || isGenuine(error)) throw error;
      return failures(request, response, (tooMany: unknown) => {
        if (tooMany === undefined) refused(error);
        next(tooMany ?? error);
      });
    }
    // The client left meanwhile. No handler would learn of it any more.
    if (!response.destroyed) next();
  };
}
