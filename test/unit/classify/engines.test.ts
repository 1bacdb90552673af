import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { selfTestAnswers } from '../../../scripts/self-test-answers.js';
import { chooseEngine, creators } from '../../../src/classify/engines/choose.js';
import type { Engine, EngineChoice } from '../../../src/classify/engines/engine.js';
import { answerOf, type KnownAnswer, selfTest } from '../../../src/classify/engines/self-test.js';
import { buildChain } from '../../../src/classify/graph/chain.js';
import { readGraphDef } from '../../../src/classify/graph/graphdef.js';
import { walk } from '../../../src/classify/graph/walk.js';
import { readMirrorModel } from '../../../src/classify/mirror-model.js';
import { loadNetwork, type NetworkSource } from '../../../src/classify/network.js';
import { readSideModel } from '../../../src/classify/side-model.js';
import { detailOf, type PlainviewError } from '../../../src/errors/errors.js';
import { shipped } from '../../../src/files/places.js';
import { goldenGraph, goldenSize } from '../../../testkit/classify/graphs.js';

const steps = walk(readGraphDef(goldenGraph('keras')), { inputLayer: 'input', outputLayer: 'final_result' });
const chain = buildChain(steps, goldenSize);

describe('the self-test refuses an engine', () => {
  type Fault = (scores: Float32Array) => Float32Array;
  it.each<[string, Fault]>([
    ['whose scores are a little off', (scores) => scores.map((score, i) => score + (i === 0 ? 3e-4 : 0))],
    ['whose scores are not numbers', (scores) => scores.map(() => Number.NaN)],
    ['that mixes classes up', (scores) => scores.toReversed()],
    [
      'that mixes a batch up',
      (scores) => {
        const { length } = scores;
        return length === 10 ? Float32Array.of(...scores.subarray(0, 5), ...scores.subarray(0, 5)) : scores;
      },
    ],
    ['that leaves classes out', (scores) => scores.subarray(0, scores.length - scores.length / 5)],
  ])('%s', async (_, fault) => {
    const sound = await creators.wasm(chain);
    const faulty: Engine = {
      ...sound,
      infer: async (pictures, size) => {
        const inferred = await sound.infer(pictures, size);
        return { ...inferred, scores: fault(inferred.scores) };
      },
    };
    await expect(selfTest(sound, steps, chain)).resolves.toBeUndefined();
    await expect(selfTest(faulty, steps, chain)).rejects.toMatchObject({ code: 'engine_wrong' });
    await sound.close();
  });
});

describe('the answer that is known of a network that comes with Plainview', () => {
  it('is the one of the reference', () => {
    type Answers = Record<string, { height: number; width: number; scores: number[] }>;
    const computed = JSON.parse(selfTestAnswers()) as Answers;
    const known = JSON.parse(readFileSync(shipped('model', 'self-test.json'), 'utf8')) as Answers;
    expect(known).toEqual(
      Object.fromEntries(
        Object.entries(computed).map(([sha256, { scores, ...size }]) => [
          sha256,
          { ...size, scores: scores.map((score) => expect.closeTo(score, 10)) },
        ]),
      ),
    );
  });

  it('belongs to the embedded network, with its own layers', async () => {
    const graph = shipped('model', 'plainview.pb');
    const knownOf = async (source: Omit<NetworkSource, 'graph'>) => {
      const { model } = await loadNetwork({ graph, ...source });
      return model.kind === 'frozen' ? model.known : undefined;
    };
    expect(await knownOf({})).toMatchObject({ height: 64, width: 64 });
    expect((await readSideModel()).known).toBeDefined();
    expect((await readMirrorModel()).known).toBeDefined();
    expect(await knownOf({ outputLayer: 'another' })).toBeUndefined();
    const labels = shipped('model', 'classes.txt');
    const other = await loadNetwork({ graph: shipped('testkit', 'golden', 'networks', 'keras.pb'), labels });
    expect(other.model).not.toHaveProperty('known.scores');
  });

  it('is what an engine is compared with, at the size of the test', async () => {
    const engine = await creators.wasm(chain);
    const { scores, ...size } = answerOf(steps, chain);
    const wrong = Array.from(scores).toReversed();
    const test = (known: KnownAnswer) => selfTest(engine, steps, chain, undefined, known);
    await expect(test({ ...size, scores })).resolves.toBeUndefined();
    await expect(test({ ...size, scores: wrong })).rejects.toMatchObject({ code: 'engine_wrong' });
    await expect(test({ height: 1, width: 1, scores: wrong })).resolves.toBeUndefined();
    await engine.close();
  });
});

const whyNot = async (choice: EngineChoice) =>
  chooseEngine(choice, chain, steps).then(
    ({ engine }) => engine.close(),
    (error: Error) => error,
  );
const [gpu, cuda, tfjs] = [await whyNot('gpu'), await whyNot('cuda'), await whyNot('tfjs-gpu')];

describe('the choice of an engine', () => {
  it('takes the requested one', async () => {
    const { engine, declined } = await chooseEngine('wasm', chain, steps);
    expect(engine.name).toBe('wasm');
    expect(declined).toEqual([]);
    await engine.close();
  });

  it.runIf(gpu instanceof Error)('fails where the GPU is requested and not available', () => {
    expect(gpu).toMatchObject({ code: 'no_engine', message: expect.stringMatching(/cuda.*tfjs-gpu/) });
    for (const [name, error] of [['cuda', cuda] as const, ['tfjs-gpu', tfjs] as const])
      expect(error).toMatchObject({
        code: 'engine_unavailable',
        message: expect.stringContaining(`The engine ${name} `),
      });
  });

  it.runIf(gpu instanceof Error)('falls back to the next best, and reports why', async () => {
    const { engine, declined } = await chooseEngine('auto', chain, steps);
    expect(engine.name).toBe('onnxruntime');
    expect(declined).toEqual([
      { engine: 'cuda', reason: (cuda as Error).message, failure: detailOf(cuda as PlainviewError) },
      { engine: 'tfjs-gpu', reason: (tfjs as Error).message, failure: detailOf(tfjs as PlainviewError) },
    ]);
    await engine.close();
  });
});
