import { describe, expect, it } from 'vitest';
import { chooseEngine, creators } from '../../../src/classify/engines/choose.js';
import type { Engine } from '../../../src/classify/engines/engine.js';
import { selfTest } from '../../../src/classify/engines/self-test.js';
import { buildChain } from '../../../src/classify/graph/chain.js';
import { readGraphDef } from '../../../src/classify/graph/graphdef.js';
import { walk } from '../../../src/classify/graph/walk.js';
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
      infer: async (pictures, size) => fault(await sound.infer(pictures, size)),
    };
    await expect(selfTest(sound, steps, goldenSize)).resolves.toBeUndefined();
    await expect(selfTest(faulty, steps, goldenSize)).rejects.toMatchObject({ code: 'engine_wrong' });
    await sound.close();
  });
});

const gpu = await chooseEngine('gpu', chain, steps).catch((error: Error) => error);

describe('the choice of an engine', () => {
  it('takes the requested one', async () => {
    const { engine, declined } = await chooseEngine('wasm', chain, steps);
    expect(engine.name).toBe('wasm');
    expect(declined).toEqual([]);
    await engine.close();
  });

  it.runIf(gpu instanceof Error)('fails where the GPU is requested and not available', () => {
    expect(gpu).toMatchObject({ code: 'engine_unavailable', message: expect.stringContaining('gpu') });
  });

  it.runIf(gpu instanceof Error)('falls back to the next best, and reports why', async () => {
    const { engine, declined } = await chooseEngine('auto', chain, steps);
    expect(engine.name).toBe('onnxruntime');
    expect(declined).toEqual([
      {
        engine: 'gpu',
        reason: (gpu as Error).message,
        failure: {
          code: 'engine_unavailable',
          message: (gpu as Error).message,
          params: expect.objectContaining({ engine: 'gpu' }),
        },
      },
    ]);
    await engine.close();
  });
});
