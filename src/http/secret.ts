import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler } from 'express';
import { fail } from '../errors.js';

/** Lets through whoever sends the shared secret in `X-Plainview-Secret`. */
export function requireSecret(secret: string, onRefusal?: () => void): RequestHandler {
  return (request, _response, next) => {
    if (sameSecret(request.get('x-plainview-secret') ?? '', secret)) return next();
    onRefusal?.();
    throw fail('unauthorised', {});
  };
}

/** Takes the same time whatever differs; hashing first makes the lengths equal. */
export function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
