import { afterEach, expect, it, vi } from 'vitest';
import { freePort } from '../../../src/sandbox/ports.js';

afterEach(() => vi.restoreAllMocks());

it('is given once: nobody listens on it yet when another test looks for one', async () => {
  const random = vi.spyOn(Math, 'random');
  random.mockReturnValueOnce(0.31);
  const first = await freePort();
  random.mockReturnValueOnce(0.31).mockReturnValueOnce(0.52);
  expect(await freePort()).not.toBe(first);
});
