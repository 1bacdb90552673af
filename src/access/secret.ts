import { createHash, timingSafeEqual } from 'node:crypto';

/** Takes the same time whatever differs; hashing first makes the lengths equal. */
export function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
