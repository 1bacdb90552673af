import { describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/classify/engines/engine.js';
import { Batcher } from '../../../src/classify/workers/batcher.js';

const size = { height: 1, width: 1 };

/** An engine whose scores are the values of the picture. It records the sizes of its batches. */
function echo(batch: number, fail: (pictures: Float32Array) => boolean = () => false) {
  const batches: number[] = [];
  const engine: Engine = {
    name: 'cuda',
    device: 'a test',
    batch,
    async infer(pictures) {
      batches.push(pictures.length / 3);
      if (fail(pictures)) throw new Error('out of memory');
      return { scores: pictures.slice() };
    },
    close: async () => undefined,
  };
  return { engine, batches };
}

const picture = (value: number) => Float32Array.of(value, value, value);
const of = (value: number) => async () => picture(value);

describe('the batcher', () => {
  it('returns to each picture its own scores from full batches', async () => {
    const { engine, batches } = echo(4);
    const batcher = new Batcher(engine, size);
    const results = await Promise.all(Array.from({ length: 10 }, (_, i) => batcher.infer(of(i))));
    expect(results.map(({ scores }) => scores)).toEqual(Array.from({ length: 10 }, (_, i) => picture(i)));
    expect(batches).toEqual([4, 4, 2]);
  });

  it('waits only for pictures that are being prepared', async () => {
    const { engine, batches } = echo(4);
    const batcher = new Batcher(engine, size);
    let arrive = (_: Float32Array) => {};
    const late = batcher.infer(() => new Promise((resolve) => (arrive = resolve)));
    const early = batcher.infer(of(1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(batches).toEqual([]);
    arrive(picture(2));
    expect((await early).scores).toEqual(picture(1));
    expect((await late).scores).toEqual(picture(2));
    expect(batches).toEqual([2]);
  });

  it('does not wait for a picture that failed', async () => {
    const { engine, batches } = echo(4);
    const batcher = new Batcher(engine, size);
    const broken = batcher.infer(async () => {
      throw new Error('broken');
    });
    const sound = batcher.infer(of(1));
    await expect(broken).rejects.toThrow('broken');
    expect((await sound).scores).toEqual(picture(1));
    expect(batches).toEqual([1]);
  });

  it('gives the pictures of a failed batch one at a time, so that one picture fails no others', async () => {
    const { engine, batches } = echo(4, (pictures) => pictures.includes(1));
    const batcher = new Batcher(engine, size);
    const results = await Promise.allSettled([0, 1, 2, 3, 4].map((value) => batcher.infer(of(value))));
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
    expect(batches).toEqual([4, 1, 1, 1, 1, 1]);
  });

  it('gives single pictures to an engine with batches of one', async () => {
    const { engine, batches } = echo(1);
    const batcher = new Batcher(engine, size);
    await Promise.all([0, 1, 2].map((value) => batcher.infer(of(value))));
    expect(batches).toEqual([1, 1, 1]);
  });
});
