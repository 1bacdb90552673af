import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildChain, type Chain } from '../../../src/classify/graph/chain.js';
import { readGraphDef } from '../../../src/classify/graph/graphdef.js';
import { featuresHash } from '../../../src/classify/graph/last-layer.js';
import { momentsOf } from '../../../src/classify/graph/moments.js';
import { walk } from '../../../src/classify/graph/walk.js';
import { readUprightHead, type UprightHead } from '../../../src/classify/upright-head.js';
import type { InferenceResult } from '../../../src/classify/workers/batcher.js';
import { orienterOf, turnedBy } from '../../../src/classify/workers/orienter.js';
import { modelFile } from '../../../testkit/classify/pictures.js';
import { seeded } from '../../../testkit/random.js';

const side = 4;
const size = { height: side, width: side };

/** Each place of the drawing is another one. */
const random = seeded(5);
const drawing = Float32Array.from({ length: side * side * 3 }, () => random());

describe('a turn', () => {
  it('by 90° brings what is at the top left to the top right', () => {
    const place = (picture: Float32Array, y: number, x: number) => [
      ...picture.slice((y * side + x) * 3, (y * side + x) * 3 + 3),
    ];
    const turned = turnedBy(drawing, side, 90);
    expect(place(turned, 0, side - 1)).toEqual(place(drawing, 0, 0));
    expect(place(turned, 1, side - 1)).toEqual(place(drawing, 0, 1));
  });

  it.each([90, 180, 270] as const)('by %d° turns the moments, and leaves the means', (turn) => {
    const [before, after] = [momentsOf(drawing, size), momentsOf(turnedBy(drawing, side, turn), size)];
    for (const c of [0, 1, 2]) {
      const [row, column] = [before[3 + c] ?? Number.NaN, before[6 + c] ?? Number.NaN];
      const [rows, columns] = { 90: [column, -row], 180: [-row, -column], 270: [-column, row] }[turn];
      expect(after[c]).toBeCloseTo(before[c] ?? Number.NaN, 6);
      expect(after[3 + c]).toBeCloseTo(rows ?? Number.NaN, 6);
      expect(after[6 + c]).toBeCloseTo(columns ?? Number.NaN, 6);
    }
  });
});

/** A network without convolutions: its feature maps are the picture. Its two classes do not matter. */
const chain: Chain = {
  input: { ...size, channels: 3 },
  features: [],
  head: [
    {
      inputs: 3,
      outputs: 2,
      weights: new Float32Array(6),
      bias: new Float32Array(2),
      activation: 'linear',
    },
  ],
  classes: 2,
};
/** Upright is what is bright at the top. */
const steep = 20;
const towards = { 0: [-steep, 0], 90: [0, -steep], 180: [steep, 0], 270: [0, steep] };
const head: UprightHead = {
  features: featuresHash(chain),
  categories: [],
  thresholds: { upright: 0.9, turned: 0.6 },
  weights: Float32Array.from({ length: 9 * 4 }, (_, i) => {
    const moment = Math.floor(i / 4);
    return moment < 3 ? 0 : (Object.values(towards)[i % 4]?.[moment < 6 ? 0 : 1] ?? 0);
  }),
  bias: new Float32Array(4),
};
const upright = Float32Array.from({ length: side * side * 3 }, (_, i) => (i < (side * side * 3) / 2 ? 1 : 0));

/** What is said of a picture whose category is told or not, and how many more inferences that takes. */
async function said(
  picture: Float32Array,
  { told = [true, true], onTurned = (input: Float32Array) => input, scoresOnTurned = [0.9, 0.1] } = {},
) {
  const inferred = (input: Float32Array, scores = [0.9, 0.1]): InferenceResult => ({
    input,
    scores: Float32Array.from(scores),
    featureMaps: input,
    seconds: 0,
  });
  let inferences = 0;
  const orient = orienterOf({ head, told }, chain, async (input) => {
    inferences++;
    return inferred(onTurned(input), scoresOnTurned);
  });
  return { orientation: await orient?.(inferred(picture)), inferences };
}

describe('the orientation', () => {
  it('of an upright picture costs no other inference', async () => {
    expect(await said(upright)).toEqual({
      orientation: { turned: 0, score: expect.any(Number) },
      inferences: 0,
    });
  });

  it.each([90, 180, 270] as const)('is what brings a picture upright, clockwise: %d°', async (turned) => {
    const picture = turnedBy(upright, side, (360 - turned) as 90 | 180 | 270);
    expect(await said(picture)).toEqual({
      orientation: { turned, score: expect.any(Number) },
      inferences: 1,
    });
  });

  it('is not told where the picture is not upright once it is turned back', async () => {
    const picture = turnedBy(upright, side, 90);
    const onTurned = (input: Float32Array) => turnedBy(input, side, 180);
    expect((await said(picture, { onTurned })).orientation).toBe('cannot_tell');
  });

  it('is not told where the picture has another category once it is turned back', async () => {
    const picture = turnedBy(upright, side, 90);
    expect((await said(picture, { scoresOnTurned: [0.1, 0.9] })).orientation).toBe('cannot_tell');
  });

  it('of a category without an up is not told either where it has another one once it is turned', async () => {
    const picture = turnedBy(upright, side, 90);
    const answer = await said(picture, { told: [false, true], scoresOnTurned: [0.1, 0.9] });
    expect(answer).toEqual({ orientation: 'cannot_tell', inferences: 0 });
  });

  it('is not told where the network is not sure', async () => {
    expect((await said(new Float32Array(upright.length))).orientation).toBe('cannot_tell');
  });

  it('is not told of a category without an up', async () => {
    const told = [false, true];
    expect((await said(upright, { told })).orientation).toBe('cannot_tell');
    expect((await said(turnedBy(upright, side, 90), { told })).orientation).toBe('cannot_tell');
  });

  it('is not told by a network with other features', () => {
    const other = { head: { ...head, features: '00' }, told: [true, true] };
    expect(orienterOf(other, chain, () => Promise.reject(new Error('not asked')))).toBeUndefined();
  });
});

// A new network needs a new file: model/training/upright.py writes it.
it('model/upright.json belongs to the embedded network', async () => {
  const { features, categories, weights, bias } = await readUprightHead();
  const steps = walk(readGraphDef(readFileSync(modelFile('plainview.pb'))), {
    inputLayer: 'input',
    outputLayer: 'final_result',
  });
  expect(featuresHash(buildChain(steps, { height: 224, width: 224 }))).toBe(features);
  expect([weights.length, bias.length]).toEqual([3 * 1024 * 4, 4]);
  const classes = readFileSync(modelFile('classes.txt'), 'utf8').trim().split('\n');
  expect(classes).toEqual(expect.arrayContaining(categories));
});
