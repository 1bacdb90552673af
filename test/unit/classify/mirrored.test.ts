import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, test, vi } from 'vitest';
import { z } from 'zod';
import { readMirrorModel } from '../../../src/classify/mirror-model.js';
import { decode } from '../../../src/classify/prepare/decode.js';
import { prepare } from '../../../src/classify/prepare/resize.js';
import type { InferenceResult } from '../../../src/classify/workers/batcher.js';
import {
  mirroredBy,
  mirrorOf,
  shrunk,
  startMirrorTeller,
  type TellMirrored,
  withMirrored,
} from '../../../src/classify/workers/mirror-teller.js';
import { turnedBy } from '../../../src/classify/workers/orienter.js';
import { shipped } from '../../../src/files/places.js';
import { radiographsFolder } from '../../../testkit/classify/pictures.js';

const model = await readMirrorModel();
const rows = 224;

describe('the scores of a picture and of its mirror image', () => {
  const said = (...scores: number[]) => mirroredBy(Float32Array.from(scores), 0.9);

  it('tell that it is mirrored, or that it is not', () => {
    expect(said(0.1, 0.9, 0.9, 0.1)).toBe(true);
    expect(said(0.9, 0.1, 0.1, 0.9)).toBe(false);
  });

  it('tell nothing where both look alike, whatever they look like', () => {
    expect(said(0.1, 0.9, 0.2, 0.8)).toBe('cannot_tell');
    expect(said(0.5, 0.5, 0.5, 0.5)).toBe('cannot_tell');
  });

  it('may be nothing at all', () => {
    expect(said(0, 1, 1, 0)).toBe(true);
  });
});

test('a smaller picture has the means of squares', () => {
  const picture = Float32Array.from({ length: 4 * 4 * 3 }, (_, i) => Math.floor(i / 3) + (i % 3) / 10);
  const small = shrunk(picture, 4, 2);
  const first = (0 + 1 + 4 + 5) / 4;
  expect([...small.slice(0, 3)].map((value) => Number(value.toFixed(4)))).toEqual([
    first,
    first + 0.1,
    first + 0.2,
  ]);
  expect(small[11]).toBeCloseTo((10 + 11 + 14 + 15) / 4 + 0.2, 5);
});

/** What Python gives for pictures that are drawn alike there: `drawn` in model/training/mirrored.py. */
const drawings = z
  .array(z.object({ a: z.number(), b: z.number(), c: z.number(), score: z.number() }))
  .parse(JSON.parse(readFileSync(shipped('testkit', 'golden', 'mirrored.json'), 'utf8')));

const drawn = ({ a, b, c }: (typeof drawings)[number]): Float32Array =>
  Float32Array.from({ length: rows * rows * 3 }, (_, i) => {
    const [y, x] = [Math.floor(i / 3 / rows), Math.floor(i / 3) % rows];
    return (((a * x + b * y + Math.floor((x * y * c) / 64)) % 256) - 128) / 128;
  });

describe('the network', () => {
  const tellFrom = (threshold: number): Promise<TellMirrored> =>
    startMirrorTeller({ ...model, threshold }, 'onnxruntime');
  let sure: TellMirrored;
  beforeAll(async () => {
    sure = await tellFrom(0.5);
  });

  it.each(drawings)('says what it said in Python: $a $b $c', async (drawing) => {
    const { score } = drawing;
    const picture = drawn(drawing);
    const isMirrored = score > 0.5;
    expect(await sure(picture, rows)).toBe(isMirrored);
    const surest = Math.max(score, 1 - score);
    expect(await (await tellFrom(surest - 0.001))(picture, rows)).toBe(isMirrored);
    expect(await (await tellFrom(Math.min(1, surest + 0.001)))(picture, rows)).toBe('cannot_tell');
  });

  it('says the opposite of the mirror image', async () => {
    for (const drawing of drawings) {
      const picture = drawn(drawing);
      expect(await sure(mirrorOf(picture, rows), rows)).toBe(!(await sure(picture, rows)));
    }
  });

  it('that cannot run loses no picture: nothing is told of it, and the service says why once', async () => {
    const warned = vi.spyOn(console, 'error').mockReturnValue();
    const wrong = { ...model, known: { height: 32, width: 32, scores: [1, 0] } };
    const upright = { turned: 0 as const, score: 1 };
    const tell = withMirrored(async () => upright, { model: wrong, told: [true] }, rows, 'onnxruntime');
    const picture = { input: new Float32Array(rows * rows * 3), scores: Float32Array.of(1), seconds: 0 };
    expect(await Promise.all([tell(picture as InferenceResult), tell(picture as InferenceResult)])).toEqual([
      upright,
      upright,
    ]);
    expect(await tell(picture as InferenceResult)).toEqual(upright);
    expect(warned.mock.calls).toEqual([[expect.stringContaining('self-test')]]);
    warned.mockRestore();
  });

  it.skipIf(!existsSync(radiographsFolder))('tells real chests, turned ones too', async () => {
    const tell = withMirrored(
      async () => ({ turned: 90, score: 1 }),
      { model, told: [true, false] },
      rows,
      'onnxruntime',
    );
    const size = { height: rows, width: rows, mean: 128, std: 128 };
    for (const id of ['h0001', 'h0002', 'h0003']) {
      const file = readFileSync(join(radiographsFolder, 'images', `${id}.jpg`));
      const input = prepare(await decode(file, 150), size);
      const asked = (upright: Float32Array, scores = Float32Array.of(1, 0)): Promise<unknown> =>
        tell({ input: turnedBy(upright, rows, 270), scores, seconds: 0 } as InferenceResult);
      expect(await asked(input)).toEqual({ turned: 90, score: 1, mirrored: false });
      expect(await asked(mirrorOf(input, rows))).toMatchObject({ mirrored: true });
      // Of other categories it is not told.
      expect(await asked(input, Float32Array.of(0, 1))).toEqual({ turned: 90, score: 1 });
    }
  });
});
