import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type Classifier,
  type ClassifierOptions,
  createClassifier,
} from '../../../src/classify/classifier.js';
import { activationMapChainOf } from '../../../src/classify/graph/activation-maps.js';
import { buildChain } from '../../../src/classify/graph/chain.js';
import { readGraphDef } from '../../../src/classify/graph/graphdef.js';
import { runReference } from '../../../src/classify/graph/reference.js';
import { walk } from '../../../src/classify/graph/walk.js';
import { decode } from '../../../src/classify/prepare/decode.js';
import { prepare } from '../../../src/classify/prepare/resize.js';
import { goldenGraph, goldenSize } from '../../../testkit/classify/graphs.js';
import { goldenPictureFile, modelFile } from '../../../testkit/classify/pictures.js';

/** All started threads, so that a test can end one as a crash would. */
const threads: Worker[] = [];
/** While set, pictures never reach their thread, and no answer comes. */
const drop = { pictures: false };
vi.mock('node:worker_threads', async (original) => {
  const real = await original<typeof import('node:worker_threads')>();
  class RecordedWorker extends real.Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      threads.push(this);
    }
    override postMessage(...args: Parameters<Worker['postMessage']>) {
      if (!drop.pictures) super.postMessage(...args);
    }
  }
  return { ...real, Worker: RecordedWorker };
});

const folder = await mkdtemp(join(tmpdir(), 'classifier-'));
const graph = join(folder, 'keras.pb');
const labels = join(folder, 'classes.txt');
await writeFile(graph, goldenGraph('keras'));
await writeFile(labels, 'a\nb\nc\nd\ne\n');
afterAll(() => rm(folder, { recursive: true }));

/** For tests that do not change it, because starting threads takes most of the time. */
let shared: Classifier;
beforeAll(async () => {
  shared = await start();
  open.length = 0;
  threads.length = 0;
});
afterAll(() => shared.close());

const open: Classifier[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((classifier) => classifier.close()));
  threads.length = 0;
});

async function start(options: Partial<ClassifierOptions> = {}): Promise<Classifier> {
  const classifier = await createClassifier({
    graph,
    labels,
    engine: 'wasm',
    workers: 1,
    inputHeight: goldenSize.height,
    inputWidth: goldenSize.width,
    ...options,
  });
  open.push(classifier);
  return classifier;
}

const steps = walk(readGraphDef(goldenGraph('keras')), { inputLayer: 'input', outputLayer: 'final_result' });
async function referenceOf(name: string): Promise<Float64Array> {
  const picture = await decode(goldenPictureFile(name), 1);
  return runReference(steps, prepare(picture, { ...goldenSize, mean: 128, std: 128 }), goldenSize);
}

/** Dark, with a bright left or right half. */
async function spotted(side: 'left' | 'right'): Promise<Buffer> {
  const pixels = Uint8Array.from({ length: 64 * 64 }, (_, i) =>
    i % 64 < 32 === (side === 'left') ? 250 : 5,
  );
  return sharp(pixels, { raw: { width: 64, height: 64, channels: 1 } })
    .png()
    .toBuffer();
}

const names = ['grey.png', 'rgb.png', 'grey.jpg', 'rgb-420.jpg', 'palette.gif', 'grey-16.pam', 'rgb.pam'];

describe('a classifier', () => {
  it('returns to each of many pictures its own scores, whichever thread takes it', async () => {
    const classifier = await start({ workers: 2 });
    const expected = new Map<string, Float64Array>();
    for (const name of names) expected.set(name, await referenceOf(name));
    const asked = Array.from({ length: 60 }, (_, i) => names[i % names.length] ?? '');
    const results = await Promise.all(asked.map((name) => classifier.classify(goldenPictureFile(name))));
    for (const [i, { scores, seconds }] of results.entries()) {
      const reference = expected.get(asked[i] ?? '');
      for (const [c, score] of scores.entries()) expect(score).toBeCloseTo(reference?.[c] ?? Number.NaN, 5);
      expect(Object.values(seconds).every((value) => value >= 0 && value < 60)).toBe(true);
    }
    expect(threads).toHaveLength(2);
  });

  it('reports its engine', async () => {
    const classifier = await start({ engine: 'auto' });
    expect(['gpu', 'onnxruntime', 'wasm']).toContain(classifier.engine.engine);
    expect(classifier.network).toMatchObject({ name: 'keras', classes: ['a', 'b', 'c', 'd', 'e'] });
  });

  it('fails only the broken picture', async () => {
    const classifier = shared;
    const results = await Promise.allSettled([
      classifier.classify(goldenPictureFile('grey.png')),
      classifier.classify(Buffer.from('nonsense')),
      classifier.classify(goldenPictureFile('rgb.png')),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await expect(classifier.classify(Buffer.from('nonsense'))).rejects.toMatchObject({
      code: 'picture_undecodable',
      transient: false,
    });
  });

  it('keeps the cause of a failure, for the log', async () => {
    const classifier = shared;
    const damaged = Buffer.from(goldenPictureFile('grey.png'));
    damaged.fill(0, 60, 90);
    await expect(classifier.classify(damaged)).rejects.toMatchObject({
      code: 'picture_undecodable',
      cause: { message: expect.stringMatching(/^Error: .*png.*\n +at /s) },
    });
  });

  it('refuses pictures larger than allowed', async () => {
    const classifier = await start({ maxMegapixels: 0.1 });
    await expect(classifier.classify(goldenPictureFile('grey-large.png'))).rejects.toMatchObject({
      code: 'picture_too_large',
    });
  });

  it('moves the memory of a picture, but never memory that a buffer shares', async () => {
    const classifier = shared;
    const own = goldenPictureFile('grey-large.png');
    const all = Buffer.concat([Buffer.from('before'), goldenPictureFile('grey.png'), Buffer.from('after')]);
    const part = all.subarray('before'.length, all.length - 'after'.length);
    await Promise.all([classifier.classify(own), classifier.classify(part)]);
    expect(own.length).toBe(0);
    expect(all.subarray(0, 6).toString()).toBe('before');
  });

  it('uses the given mean, deviation and layers', async () => {
    const [plain, other] = [shared, await start({ inputMean: 0, inputStd: 255 })];
    const picture = await decode(goldenPictureFile('grey.png'), 1);
    const input = prepare(picture, { ...goldenSize, mean: 0, std: 255 });
    const { scores } = await other.classify(goldenPictureFile('grey.png'));
    const reference = runReference(steps, input, goldenSize);
    for (const [c, score] of scores.entries()) expect(score).toBeCloseTo(reference[c] ?? Number.NaN, 5);
    expect(scores).not.toEqual((await plain.classify(goldenPictureFile('grey.png'))).scores);
    await expect(start({ inputLayer: 'image' })).rejects.toMatchObject({ code: 'network_layer' });
  });

  it('does not start where the numbers of names and outputs differ', async () => {
    const four = join(folder, 'four.txt');
    await writeFile(four, 'a\nb\nc\nd\n');
    await expect(start({ labels: four })).rejects.toMatchObject({
      code: 'network_mismatch',
      message: expect.stringMatching(/5 outputs.*names 4/),
    });
  });

  it('does not start with a file that is not a graph', async () => {
    await expect(start({ graph: labels })).rejects.toMatchObject({ code: 'network_unreadable' });
  });
});

describe('an explanation', () => {
  it('is the map of the requested class, whose mean plus bias is its logit, with the usual scores', async () => {
    const classifier = shared;
    const { scores } = await classifier.classify(goldenPictureFile('rgb.png'));
    const { classes } = classifier.network;
    const maps = await Promise.all(
      classes.map((name) => classifier.explain(goldenPictureFile('rgb.png'), name)),
    );
    const logits = maps.map(
      ({ values, bias }) => bias + values.reduce((sum, v) => sum + v, 0) / values.length,
    );
    const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0);
    for (const [c, map] of maps.entries()) {
      expect(map.values).toHaveLength(map.rows * map.columns);
      expect(map.scores).toEqual(scores);
      expect(Math.exp(logits[c] ?? 0) / sum).toBeCloseTo(scores[c] ?? Number.NaN, 5);
    }
    expect(await classifier.classify(goldenPictureFile('rgb.png'))).not.toHaveProperty('values');
  });

  it('follows the bright part of the picture', async () => {
    // Bright on the left and on the right: one map is the mirror image of the other.
    const classifier = shared;
    const heavier = async (spot: 'left' | 'right') => {
      const { values, columns } = await classifier.explain(await spotted(spot), 'a');
      const half = (from: number, to: number) =>
        values.filter((_, i) => i % columns >= from && i % columns < to).reduce((sum, v) => sum + v, 0);
      return half(0, columns / 2) - half(columns / 2, columns);
    };
    expect(Math.sign(await heavier('left'))).toBe(-Math.sign(await heavier('right')));
  });

  it('is refused for a class that the network does not have', async () => {
    const classifier = shared;
    await expect(classifier.explain(goldenPictureFile('rgb.png'), 'skull')).rejects.toMatchObject({
      code: 'class_unknown',
      message: expect.stringContaining('skull'),
    });
  });

  it('is refused where the head has an activation function', () => {
    const chain = buildChain(steps, goldenSize);
    const bent = chain.head.map((layer) => ({ ...layer, activation: 'relu' as const }));
    expect(() => activationMapChainOf({ ...chain, head: bent })).toThrow(/relu/);
  });
});

describe('a thread that crashes', () => {
  it('fails its running jobs with a transient error, and is replaced', async () => {
    const classifier = await start({ workers: 1 });
    const picture = goldenPictureFile('grey.png');
    const expected = (await classifier.classify(Buffer.from(picture))).scores;

    const inWork = classifier.classify(Buffer.from(picture));
    const [first] = threads;
    await Promise.all([
      first?.terminate(),
      expect(inWork).rejects.toMatchObject({ code: 'classifier_crashed', transient: true }),
    ]);
    expect((await classifier.classify(Buffer.from(picture))).scores).toEqual(expected);
    expect(threads).toHaveLength(2);
  });

  it('does not fail jobs that wait for another thread', async () => {
    const classifier = await start({ workers: 1 });
    const results = Array.from({ length: 8 }, () => classifier.classify(goldenPictureFile('grey.png')));
    const settled = Promise.allSettled(results);
    await threads[0]?.terminate();
    const statuses = (await settled).map(({ status }) => status);
    // One picture was in the thread; the others still waited.
    expect(statuses.slice(1)).toEqual(Array.from({ length: 7 }, () => 'fulfilled'));
  });
});

describe('a thread that hangs', () => {
  it('is replaced; its picture fails for good', async () => {
    const classifier = await start({ workers: 1, timeoutMs: 2000 });
    drop.pictures = true;
    const hanging = classifier.classify(goldenPictureFile('grey.png'));
    const next = classifier.classify(goldenPictureFile('grey.png'));
    drop.pictures = false;
    await expect(hanging).rejects.toMatchObject({ code: 'classifier_hung', transient: false });
    expect((await next).scores).toHaveLength(5);
    expect(threads).toHaveLength(2);
  });
});

describe('closing', () => {
  it('finishes running jobs, and accepts no more', async () => {
    const classifier = await start();
    const begun = Array.from({ length: 10 }, () => classifier.classify(goldenPictureFile('rgb.png')));
    const closed = classifier.close();
    await expect(classifier.classify(goldenPictureFile('rgb.png'))).rejects.toMatchObject({
      code: 'classifier_closed',
    });
    await closed;
    expect((await Promise.allSettled(begun)).every(({ status }) => status === 'fulfilled')).toBe(true);
  });
});

it('the calling thread is not blocked while pictures are decoded and classified', async () => {
  const classifier = await start({
    graph: modelFile('plainview.pb'),
    labels: modelFile('classes.txt'),
    workers: 2,
    inputHeight: 224,
    inputWidth: 224,
  });
  const files = Array.from({ length: 8 }, () => goldenPictureFile('grey-large.png'));
  const before = performance.eventLoopUtilization();
  const results = await Promise.all(files.map((file) => classifier.classify(file)));
  const { active } = performance.eventLoopUtilization(before);
  const work = results.reduce((sum, { seconds }) => sum + seconds.infer + seconds.prepare, 0) * 1000;
  expect(active).toBeLessThan(work / 4);
});
