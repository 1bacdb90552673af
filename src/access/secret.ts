import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares in constant time. Hashing first makes the lengths equal. */
export function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
