import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type Classifier,
  type ClassifierOptions,
  createClassifier,
} from '../../../src/classify/classifier.js';
import { goldenGraph, goldenSize } from '../../../testkit/classify/graphs.js';
import { goldenPictureFile } from '../../../testkit/classify/pictures.js';

/** All started processes. */
const children: ChildProcess[] = [];
/** Sent to a process at the moment when only the second network has still to answer. */
let signal: NodeJS.Signals | undefined;
/** Sent to a process that starts with a second network, as a crash or a hang while it is loaded would. */
let atStart: NodeJS.Signals | undefined;
vi.mock('node:child_process', async (original) => {
  const real = await original<typeof import('node:child_process')>();
  const spawn = (...args: Parameters<typeof real.spawn>) => {
    const child = real.spawn(...args);
    children.push(child);
    const on = child.on.bind(child);
    let isSignalled = false;
    child.on = (event: string, listener: (...given: never[]) => void) =>
      on(event, (...given: { kind: string }[]) => {
        // The second network may answer before the signal arrives.
        if (event === 'message' && isSignalled) return;
        listener(...(given as never[]));
        isSignalled = event === 'message' && given[0]?.kind === 'scored' && signal !== undefined;
        if (isSignalled) child.kill(signal);
      });
    const send = child.send.bind(child) as (...sent: unknown[]) => boolean;
    child.send = (message: { kind: string; setup?: { shadow?: object } }, ...rest: unknown[]) => {
      if (atStart !== undefined && message.setup?.shadow !== undefined) child.kill(atStart);
      return send(message, ...rest);
    };
    return child;
  };
  return { ...real, spawn };
});

const folder = await mkdtemp(join(tmpdir(), 'shadow-'));
const write = async (name: string, content: Buffer | string) => {
  await writeFile(join(folder, name), content);
  return join(folder, name);
};
const labels = await write('classes.txt', 'a\nb\nc\nd\ne\n');
const first = { graph: await write('first.pb', goldenGraph('keras')), labels };
const size = { inputHeight: goldenSize.height, inputWidth: goldenSize.width };
const second = { graph: await write('second.pb', goldenGraph('rare')), labels, ...size };
const bad = { graph: await write('bad.pb', 'nonsense'), labels };
const unfit = { ...second, labels: await write('two.txt', 'a\nb\n') };
afterAll(() => rm(folder, { recursive: true }));

const open: Classifier[] = [];
beforeEach(() => {
  children.length = 0;
  signal = undefined;
  atStart = undefined;
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((classifier) => classifier.close()));
});

async function start(options: Partial<ClassifierOptions> = {}): Promise<Classifier> {
  const classifier = await createClassifier({
    ...first,
    engine: 'wasm',
    workers: 1,
    ...size,
    ...options,
  });
  open.push(classifier);
  return classifier;
}

const names = ['grey.png', 'rgb.png', 'grey.jpg', 'rgb-420.jpg', 'palette.gif'];
const pictures = names.map(goldenPictureFile);
const grey = goldenPictureFile('grey.png');
const classifyAll = (classifier: Classifier) =>
  Promise.all(pictures.map((picture) => classifier.classify(picture)));

describe('a shadow network', () => {
  it('gives each picture the scores that it gives alone, beside those of the first network', async () => {
    const [both, one, other] = [
      await start({ shadow: second, workers: 2 }),
      await start(),
      await start(second),
    ];
    const results = await classifyAll(both);
    expect(results.map(({ scores }) => scores)).toEqual((await classifyAll(one)).map(({ scores }) => scores));
    expect(results.map(({ shadow }) => shadow)).toEqual(
      (await classifyAll(other)).map(({ scores }) => ({
        scores,
        seconds: expect.any(Number),
        network: other.network,
      })),
    );
    expect(results.every(({ network }) => network.sha256 === one.network.sha256)).toBe(true);
    expect(both.shadow).toEqual({ network: other.network, problem: undefined });
  });

  it('is left out where it is the first network', async () => {
    const classifier = await start({ shadow: first });
    expect(classifier.shadow).toBeUndefined();
    expect(await classifier.classify(grey)).not.toHaveProperty('shadow');
  });

  it('is not asked for the map of a category', async () => {
    const classifier = await start({ shadow: second });
    expect(await classifier.explain(grey, 'a')).not.toHaveProperty('shadow');
  });
});

describe('a shadow network that cannot run', () => {
  it.each([
    ['is not there', { graph: join(folder, 'none.pb'), labels }, 'network_unreadable', false],
    ['is no network', bad, 'network_unreadable', true],
    ['has other outputs than names', unfit, 'network_mismatch', true],
  ])('because it %s does not keep the first one from deciding', async (_, shadow, code, isRecorded) => {
    const classifier = await start({ shadow });
    const { scores, shadow: answer } = await classifier.classify(grey);
    expect(scores).toHaveLength(5);
    expect(classifier.shadow?.problem).toMatchObject({ code });
    if (isRecorded) expect(answer).toMatchObject({ error: { code } });
    else expect(answer).toBeUndefined();
  });

  it.each([
    ['ends', 'SIGKILL'],
    ['hangs', 'SIGSTOP'],
  ] as const)(
    'because its process %s at the start does not keep the first one from deciding',
    async (_, signal) => {
      atStart = signal;
      const classifier = await start({ shadow: second, shadowTimeoutMs: 1000 });
      const { scores, shadow } = await classifier.classify(grey);
      expect(scores).toHaveLength(5);
      expect(shadow).toMatchObject({ error: { code: 'classifier_unstartable' } });
      expect(classifier.shadow?.problem).toMatchObject({ code: 'classifier_unstartable' });
    },
  );
});

describe('a shadow network during which the process', () => {
  it('ends costs no decision, and is not asked any more after the third time', async () => {
    const expected = (await (await start()).classify(grey)).scores;
    const classifier = await start({ shadow: second });
    signal = 'SIGKILL';
    const codes: unknown[] = [];
    for (let i = 0; i < 5; i++) {
      const { scores, shadow } = await classifier.classify(grey);
      expect(scores).toEqual(expected);
      codes.push(shadow !== undefined && 'error' in shadow && shadow.error.code);
    }
    expect(codes).toEqual([
      'shadow_ended',
      'shadow_ended',
      'shadow_ended',
      'shadow_stopped',
      'shadow_stopped',
    ]);
    expect(classifier.shadow?.problem).toMatchObject({ code: 'shadow_stopped' });
  });

  it('hangs costs no decision: it waits for the limit, then the process is replaced', async () => {
    const classifier = await start({ shadow: second, shadowTimeoutMs: 4000 });
    signal = 'SIGSTOP';
    const { scores, shadow } = await classifier.classify(grey);
    expect(scores).toHaveLength(5);
    expect(shadow).toMatchObject({ error: { code: 'shadow_slow' } });
    signal = undefined;
    expect((await classifier.classify(grey)).shadow).toHaveProperty('scores');
    expect(children).toHaveLength(2);
  });

  it('cannot start anew with it costs no decision', async () => {
    const classifier = await start({ shadow: second });
    atStart = 'SIGKILL';
    children[0]?.kill('SIGKILL');
    const { scores, shadow } = await classifier.classify(grey);
    expect(scores).toHaveLength(5);
    expect(shadow).toMatchObject({ error: { code: expect.any(String) } });
  });
});
