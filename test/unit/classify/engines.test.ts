import { describe, expect, it } from 'vitest';
import { chooseEngine, creators } from '../../../src/classify/engines/choose.js';
import type { Engine, EngineChoice } from '../../../src/classify/engines/engine.js';
import { selfTest } from '../../../src/classify/engines/self-test.js';
import { buildChain } from '../../../src/classify/graph/chain.js';
import { readGraphDef } from '../../../src/classify/graph/graphdef.js';
import { walk } from '../../../src/classify/graph/walk.js';
import { detailOf, type PlainviewError } from '../../../src/errors/errors.js';
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
