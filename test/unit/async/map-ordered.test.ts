import { describe, expect, it } from 'vitest';
import { mapOrdered } from '../../../src/async/map-ordered.js';

/** Work that ends when it is told to. */
function controlled() {
  const ends = new Map<number, () => void>();
  let most = 0;
  const work = (item: number) =>
    new Promise<number>((resolve) => {
      ends.set(item, () => {
        ends.delete(item);
        resolve(item);
      });
      most = Math.max(most, ends.size);
    });
  return { ends, work, most: () => most };
}

describe('mapOrdered', () => {
  it('gives results in the order of the items, whichever ends first', async () => {
    const { ends, work } = controlled();
    const results = (async () => {
      const all: number[] = [];
      for await (const result of mapOrdered([0, 1, 2], 3, work)) all.push(result);
      return all;
    })();
    while (ends.size < 3) await Promise.resolve();
    for (const item of [2, 1, 0]) ends.get(item)?.();
    expect(await results).toEqual([0, 1, 2]);
  });

  it('begins no more than it may', async () => {
    const { ends, work, most } = controlled();
    const items = Array.from({ length: 50 }, (_, i) => i);
    const iterator = mapOrdered(items, 4, work);
    for (const item of items) {
      const next = iterator.next();
      while (!ends.has(item)) await Promise.resolve();
      ends.get(item)?.();
      expect((await next).value).toBe(item);
    }
    expect(most()).toBeLessThanOrEqual(4);
  });

  it('fails at the failed item’s turn', async () => {
    const seen: number[] = [];
    const run = async () => {
      const work = async (item: number) => {
        if (item === 2) throw new Error('two');
        return item;
      };
      for await (const result of mapOrdered([0, 1, 2, 3], 4, work)) seen.push(result);
    };
    await expect(run()).rejects.toThrow('two');
    expect(seen).toEqual([0, 1]);
  });
});
