import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type Classifier,
  type ClassifierOptions,
  createClassifier,
} from '../../../src/classify/classifier.js';
import { engineNames } from '../../../src/classify/engines/engine.js';
import { buildChain } from '../../../src/classify/graph/chain.js';
import { readGraphDef } from '../../../src/classify/graph/graphdef.js';
import { softmax, throughDense } from '../../../src/classify/graph/last-layer.js';
import { runReference } from '../../../src/classify/graph/reference.js';
import { walk } from '../../../src/classify/graph/walk.js';
import { decode } from '../../../src/classify/prepare/decode.js';
import { prepare } from '../../../src/classify/prepare/resize.js';
import { defaultMegapixels, memoryFor } from '../../../src/classify/workers/memory.js';
import { EarlyProcess } from '../../../src/classify/workers/process.js';
import { goldenGraph, goldenSize } from '../../../testkit/classify/graphs.js';
import { goldenPictureFile, modelFile } from '../../../testkit/classify/pictures.js';

/** All started processes, so that a test can end one as a crash would. */
const children: ChildProcess[] = [];
/** Pictures of such a length end their process. */
const deadly = new Set<number>();
/** What the system lacks to start a process: files, as Node.js tells of it, or memory. */
let lacking: 'EMFILE' | 'ENOMEM' | undefined;
vi.mock('node:child_process', async (original) => {
  const real = await original<typeof import('node:child_process')>();
  const spawn = (...args: Parameters<typeof real.spawn>) => {
    if (lacking === 'ENOMEM') throw new Error('spawn ENOMEM');
    if (lacking === 'EMFILE') {
      const none: ChildProcess = new real.ChildProcess();
      none.kill = () => {
        throw new Error('the signal went to the group of this process');
      };
      process.nextTick(() => none.emit('error', new Error('spawn EMFILE')));
      return none;
    }
    const child = real.spawn(...args);
    children.push(child);
    const pictures = child.stdio[4] as Writable;
    const write = pictures.write.bind(pictures);
    pictures.write = (picture: Buffer) => {
      if (deadly.has(picture.length)) child.kill('SIGABRT');
      return write(picture);
    };
    return child;
  };
  return { ...real, spawn };
});

const folder = await mkdtemp(join(tmpdir(), 'classifier-'));
const graph = join(folder, 'keras.pb');
const labels = join(folder, 'classes.txt');
await writeFile(graph, goldenGraph('keras'));
await writeFile(labels, 'a\nb\nc\nd\ne\n');
afterAll(() => rm(folder, { recursive: true }));

/** For tests that do not change it, because starting processes takes most of the time. */
let shared: Classifier;
beforeAll(async () => {
  shared = await start();
  open.length = 0;
  children.length = 0;
});
afterAll(() => shared.close());

const open: Classifier[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((classifier) => classifier.close()));
  children.length = 0;
});

async function start(options: Partial<ClassifierOptions> = {}, cancelled?: AbortSignal): Promise<Classifier> {
  const all = {
    graph,
    labels,
    engine: 'wasm',
    workers: 1,
    inputHeight: goldenSize.height,
    inputWidth: goldenSize.width,
    ...options,
  } as const;
  const classifier = await createClassifier(all, cancelled);
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
  it('returns to each of many pictures its own scores, whichever process takes it', async () => {
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
    expect(children).toHaveLength(2);
  });

  it('returns the features of each picture: what the last layer makes the scores of', async () => {
    const classifier = await start({ workers: 2 });
    const chain = buildChain(steps, goldenSize);
    const last = chain.head.at(-1);
    if (last === undefined) throw new Error('the golden network has no last layer');
    const asked = Array.from({ length: 12 }, (_, i) => names[i % names.length] ?? '');
    const results = await Promise.all(asked.map((name) => classifier.features(goldenPictureFile(name))));
    for (const [i, { features, scores }] of results.entries()) {
      expect(features).toHaveLength(last.inputs);
      const reference = await referenceOf(asked[i] ?? '');
      const computed = softmax(throughDense(last, features));
      for (const [c, score] of reference.entries()) {
        expect(scores[c]).toBeCloseTo(score, 5);
        expect(computed[c]).toBeCloseTo(score, 5);
      }
    }
    await expect(classifier.features(Buffer.from('no picture'))).rejects.toMatchObject({
      code: 'picture_undecodable',
    });
  });

  it('reports its engine', async () => {
    const classifier = await start({ engine: 'auto' });
    expect(engineNames).toContain(classifier.engine.engine);
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

  it('reads a picture that shares its memory with others, and leaves it', async () => {
    const picture = goldenPictureFile('grey.png');
    const all = Buffer.concat([Buffer.from('before'), picture, Buffer.from('after')]);
    const part = all.subarray('before'.length, all.length - 'after'.length);
    const { scores } = await shared.classify(part);
    expect(scores).toEqual((await shared.classify(picture)).scores);
    expect(all.subarray(6, -5)).toEqual(picture);
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
    const logits = maps.map((map) => {
      if (map.method !== 'activation' || map.bias === undefined)
        throw new Error('this network has activation maps');
      return map.bias + map.values.reduce((sum, v) => sum + v, 0) / map.values.length;
    });
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
});

describe('a process that ends', () => {
  it('costs no picture where the picture was not the cause', async () => {
    const classifier = await start({ workers: 1 });
    const picture = goldenPictureFile('grey.png');
    const expected = (await classifier.classify(picture)).scores;
    // It cannot be done with the picture before it is killed.
    children[0]?.kill('SIGSTOP');
    const inWork = classifier.classify(picture);
    children[0]?.kill('SIGKILL');
    expect((await inWork).scores).toEqual(expected);
    expect(children).toHaveLength(2);
  });

  it('costs only the picture that ends it twice: forty others have their scores', async () => {
    const classifier = await start({ workers: 2 });
    const bad = Buffer.concat([goldenPictureFile('grey.png'), Buffer.alloc(1)]);
    deadly.add(bad.length);
    const others = (count: number) =>
      Array.from({ length: count }, () => classifier.classify(goldenPictureFile('grey.png')));
    const results = await Promise.allSettled([...others(20), classifier.classify(bad), ...others(20)]);
    deadly.clear();
    const [rejected, ...more] = results.filter(({ status }) => status === 'rejected');
    expect(rejected).toMatchObject({ reason: { code: 'classifier_crashed', transient: false } });
    expect(more).toEqual([]);
    expect(results).toHaveLength(41);
  });

  it.runIf(process.platform === 'linux')(
    'for lack of memory costs only the picture that needed it',
    async () => {
      const classifier = await start({
        workers: 1,
        engine: 'wasm',
        maxMegapixels: 1000,
        // Node.js 24 itself reserves half a gigabyte.
        memoryBytes: 800_000_000,
      });
      const side = 30_000;
      const raw = { width: side, height: side, channels: 1 } as const;
      const huge = await sharp(Buffer.alloc(side * side), { raw, limitInputPixels: false })
        .png()
        .toBuffer();
      const failing = classifier.classify(huge).then(
        () => 'fine',
        ({ code }: { code: string }) => code,
      );
      expect(['classifier_crashed', 'picture_undecodable']).toContain(await failing);
      expect((await classifier.classify(goldenPictureFile('grey.png'))).scores).toHaveLength(5);
    },
    60_000,
  );

  it('also ends when its parent is killed', async () => {
    await start({ workers: 1 });
    const child = children[0];
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    child?.disconnect();
    await ended;
  });

  it('does not follow the signals that systemd and terminals send to all processes of a service', async () => {
    const classifier = await start({ workers: 1 });
    for (const signal of ['SIGTERM', 'SIGINT'] as const) children[0]?.kill(signal);
    expect((await classifier.classify(goldenPictureFile('grey.png'))).scores).toHaveLength(5);
    expect(children).toHaveLength(1);
  });
});

describe('a process that hangs', () => {
  it('is replaced; its picture fails for good', async () => {
    const classifier = await start({ workers: 1, timeoutMs: 2000 });
    children[0]?.kill('SIGSTOP');
    const hanging = classifier.classify(goldenPictureFile('grey.png'));
    const next = classifier.classify(goldenPictureFile('grey.png'));
    await expect(hanging).rejects.toMatchObject({ code: 'classifier_hung', transient: false });
    expect((await next).scores).toHaveLength(5);
    expect(children).toHaveLength(2);
  });
});

describe('a process that was started early', () => {
  const limits = { engine: 'wasm', memoryBytes: memoryFor(defaultMegapixels) } as const;
  const ended = async (process: ChildProcess | undefined) => {
    await vi.waitFor(() => expect(process?.signalCode).toBe('SIGKILL'), { timeout: 20_000 });
  };

  it('is the first one of the classifier', async () => {
    const early = new EarlyProcess(limits, ['bitmap']);
    const classifier = await start({ early, tellsOrientation: true });
    early.end();
    expect((await classifier.classify(goldenPictureFile('grey.png'))).scores).toHaveLength(5);
    expect(children).toHaveLength(1);
  });

  it('is ended where another limit of memory was set', async () => {
    const early = new EarlyProcess(limits, []);
    const classifier = await start({ early, maxMegapixels: 20 });
    early.end();
    expect((await classifier.classify(goldenPictureFile('grey.png'))).scores).toHaveLength(5);
    expect(children).toHaveLength(2);
    await ended(children[0]);
  });

  it('and has ended since is replaced', async () => {
    const early = new EarlyProcess(limits, []);
    children[0]?.kill('SIGKILL');
    await ended(children[0]);
    const classifier = await start({ early });
    expect((await classifier.classify(goldenPictureFile('grey.png'))).scores).toHaveLength(5);
    expect(children).toHaveLength(2);
  });
});

describe('a process that cannot be started', () => {
  afterEach(() => {
    lacking = undefined;
  });

  it.each(['EMFILE', 'ENOMEM'] as const)('fails the start (%s)', async (what) => {
    lacking = what;
    await expect(start()).rejects.toThrow(what);
  });

  it('is sent no signal', async () => {
    lacking = 'EMFILE';
    new EarlyProcess({ engine: 'wasm', memoryBytes: memoryFor(defaultMegapixels) }, []).end();
    await expect(start({}, AbortSignal.abort())).rejects.toThrow('EMFILE');
  });

  it.each(['EMFILE', 'ENOMEM'] as const)('fails the pictures that wait for it (%s)', async (what) => {
    const classifier = await start({ workers: 1 });
    lacking = what;
    children[0]?.kill('SIGKILL');
    await expect(classifier.classify(goldenPictureFile('rgb.png'))).rejects.toMatchObject({
      code: 'classifier_unstartable',
      // They are not what is wrong.
      transient: true,
      message: expect.stringContaining(what),
    });
    lacking = undefined;
    expect((await classifier.classify(goldenPictureFile('rgb.png'))).scores).toHaveLength(5);
  });

  it('is ended where there is no memory to give it its network', async () => {
    const early = new EarlyProcess({ engine: 'wasm', memoryBytes: memoryFor(defaultMegapixels) }, []);
    const [child] = children;
    if (child === undefined) throw new Error('no process was started');
    child.send = () => {
      throw new Error('Data cannot be cloned, out of memory.');
    };
    await expect(start({ early })).rejects.toMatchObject({
      code: 'classifier_unstartable',
      message: expect.stringContaining('out of memory'),
    });
    await vi.waitFor(() => expect(child.signalCode).toBe('SIGKILL'), { timeout: 20_000 });
  });
});

it('a start that was cancelled before its process was there ends', async () => {
  await expect(start({}, AbortSignal.abort())).rejects.toMatchObject({ code: 'classifier_unstartable' });
  expect(children.map(({ signalCode }) => signalCode)).toEqual(children.map(() => 'SIGKILL'));
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

it('the calling process does little while pictures are decoded and classified', async () => {
  const classifier = await start({
    graph: modelFile('plainview.pb'),
    labels: modelFile('classes.txt'),
    workers: 2,
    inputHeight: 224,
    inputWidth: 224,
  });
  const files = Array.from({ length: 8 }, () => goldenPictureFile('grey-large.png'));
  const before = process.cpuUsage();
  const results = await Promise.all(files.map((file) => classifier.classify(file)));
  const { user, system } = process.cpuUsage(before);
  const work = results.reduce((sum, { seconds }) => sum + seconds.infer + seconds.prepare, 0) * 1000;
  expect((user + system) / 1000).toBeLessThan(work / 4);
});
