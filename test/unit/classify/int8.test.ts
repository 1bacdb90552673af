import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { settingsOf } from '../../../src/app/settings.js';
import { type Classifier, createClassifier } from '../../../src/classify/classifier.js';
import { creators, startInt8 } from '../../../src/classify/engines/choose.js';
import type { Engine, EngineChoice } from '../../../src/classify/engines/engine.js';
import { createInt8 } from '../../../src/classify/engines/onnxruntime.js';
import { noise, selfTest } from '../../../src/classify/engines/self-test.js';
import { buildChain, type Chain } from '../../../src/classify/graph/chain.js';
import { readGraphDef } from '../../../src/classify/graph/graphdef.js';
import { walk } from '../../../src/classify/graph/walk.js';
import { loadNetwork } from '../../../src/classify/network.js';
import { decode } from '../../../src/classify/prepare/decode.js';
import { prepare } from '../../../src/classify/prepare/resize.js';
import { loadConfig } from '../../../src/config/load.js';
import { isBy } from '../../../src/decisions/read.js';
import { networkId } from '../../../src/decisions/schema.js';
import { networkFiles, serviceOptions } from '../../../src/networks/classifier-options.js';
import { stubClassifier } from '../../../testkit/classifier.js';
import { goldenGraph, goldenSize } from '../../../testkit/classify/graphs.js';
import { goldenPictureFile, labelledRadiographs, modelFile } from '../../../testkit/classify/pictures.js';
import { lacksVnni } from '../../../testkit/classify/vnni.js';

const layers = { inputLayer: 'input', outputLayer: 'final_result' };
const range = [-1, 1] as const;
const stepsOf = (graph: string) => walk(readGraphDef(goldenGraph(graph)), layers);
const steps = stepsOf('keras');
const chain = buildChain(steps, goldenSize);
const size = { height: 224, width: 224 };
const graph = walk(readGraphDef(readFileSync(modelFile('plainview.pb'))), layers);
const whole = buildChain(graph, size);
const embedded = {
  ...networkFiles({ network: 'embedded', labels: undefined }),
  engine: 'auto' as const,
  workers: 1,
};

const used: Classifier[] = [];
afterAll(() => Promise.all(used.map((classifier) => classifier.close())));
async function int8Classifier(): Promise<Classifier> {
  const classifier = await createClassifier({
    ...embedded,
    precision: 'int8',
    tellsOrientation: true,
    shadow: networkFiles({ network: 'embedded', labels: undefined }),
  });
  used.push(classifier);
  return classifier;
}

describe('the engine in int8', () => {
  it.each<EngineChoice>(['wasm', 'cuda', 'tfjs-gpu', 'gpu'])(
    'is refused where PLAINVIEW_ENGINE is %s',
    async (choice) => {
      await expect(startInt8(choice, whole, graph, range)).rejects.toMatchObject({
        code: 'int8_unavailable',
        message: expect.stringMatching(/PLAINVIEW_PRECISION.*--precision.*onnxruntime/),
      });
    },
  );

  it.skipIf(lacksVnni)('is onnxruntime where the choice is left to Plainview', async () => {
    const { engine } = await startInt8('auto', whole, graph, range);
    expect(engine).toMatchObject({ name: 'onnxruntime', device: 'CPU, one thread, int8' });
    await engine.close();
  });

  it('is refused for a network that was not measured, whatever its self-test says', async () => {
    await expect(startInt8('auto', chain, steps, range)).rejects.toMatchObject({
      code: 'int8_unavailable',
      message: expect.stringMatching(/embedded network.*choose float32/),
    });
  });

  it('is refused for a network whose values have no upper limit', async () => {
    await expect(createInt8(buildChain(stepsOf('rare'), goldenSize), range)).rejects.toMatchObject({
      code: 'int8_unavailable',
      message: expect.stringContaining('choose float32'),
    });
  });

  it('keeps the bias of an output whose weights are all next to 0', async () => {
    const [first] = chain.features;
    if (first === undefined) throw new Error('no layer');
    const inputs = first.bias.length;
    const ofFirst = (values: Float32Array, value: number) =>
      values.map((other, i) => (i % inputs === 0 ? value : other));
    const faint = { ...first, kernel: ofFirst(first.kernel, 1e-12), bias: ofFirst(first.bias, 3) };
    const last = { inputs, outputs: 1, weights: new Float32Array(inputs), bias: new Float32Array(1) };
    const network = {
      ...chain,
      features: [faint],
      head: [{ ...last, activation: 'linear' as const }],
      classes: 1,
    };
    const engine = await createInt8(network, range);
    const picture = noise(goldenSize.height * goldenSize.width * 3, 3);
    const { featureMaps = new Float32Array() } = await engine.infer(picture, goldenSize);
    for (let i = 0; i < featureMaps.length; i += inputs) expect(featureMaps[i]).toBeCloseTo(3, 1);
    await engine.close();
  });

  it.skipIf(lacksVnni)('passes its self-test with pictures of another range', async () => {
    const engine = await createInt8(chain, [0, 1]);
    await expect(selfTest(engine, steps, chain, [0, 1])).resolves.toBeUndefined();
    await engine.close();
  });
});

describe('the self-test in int8', () => {
  /** An engine in float32, whose scores follow from its feature maps. */
  const refused = async (network: Chain, wrong: (maps: Float32Array) => Float32Array = (maps) => maps) => {
    const sound = await creators.onnxruntime(network);
    const engine: Engine = {
      ...sound,
      async infer(pictures, size) {
        const { scores, featureMaps = new Float32Array() } = await sound.infer(pictures, size);
        return { scores, featureMaps: wrong(featureMaps) };
      },
    };
    const result = await selfTest(engine, steps, network, range).catch((error: unknown) => error);
    await sound.close();
    return result;
  };
  const scaled = (factor: number): Chain => ({
    ...chain,
    features: chain.features.map((layer, i) =>
      i < chain.features.length - 1 ? layer : { ...layer, kernel: layer.kernel.map((v) => v * factor) },
    ),
  });

  it('lets rounding pass, and refuses what is as far off as on processors that cut off sums', async () => {
    expect(await refused(scaled(1.05))).toBeUndefined();
    expect(await refused(scaled(1.3))).toMatchObject({
      code: 'engine_wrong',
      message: expect.stringMatching(/ % off.*PLAINVIEW_PRECISION \(--precision\) to float32/),
    });
  });

  it.each([
    ['that are not numbers', (maps: Float32Array) => maps.map(() => Number.NaN)],
    ['that are not there', () => new Float32Array()],
  ])('refuses feature maps %s', async (_, wrong) => {
    expect(await refused(chain, wrong)).toMatchObject({ code: 'engine_wrong' });
  });
});

it.skipIf(lacksVnni)('classifies, explains and tells the orientation, and says that it is int8', async () => {
  const classifier = await int8Classifier();
  expect(classifier.engine.device).toMatch(/int8/);
  expect(classifier.orients).toBe(true);
  const picture = goldenPictureFile('grey.jpg');
  const { network, scores, shadow } = await classifier.classify(picture);
  expect(network.precision).toBe('int8');
  // The same file in float32 is another network: so a site sees where both part.
  if (shadow === undefined || 'error' in shadow) throw new Error('no shadow');
  expect(shadow.network.precision).toBeUndefined();
  expect(shadow.scores).not.toEqual(scores);
  const index = scores.indexOf(Math.max(...scores));
  const map = await classifier.explain(picture, network.classes[index] ?? '');
  if (map.method !== 'activation') throw new Error('no activation map');
  const mean = map.values.reduce((sum, value) => sum + value, 0) / map.values.length;
  const other = await classifier.explain(picture, network.classes[(index + 1) % scores.length] ?? '');
  if (other.method !== 'activation') throw new Error('no activation map');
  const otherMean = other.values.reduce((sum, value) => sum + value, 0) / other.values.length;
  const logits = mean + (map.bias ?? 0) - otherMean - (other.bias ?? 0);
  expect(logits).toBeCloseTo(Math.log(map.score / other.score), 3);
  await expect(classifier.features(picture)).rejects.toMatchObject({ code: 'training_impossible' });
});

describe('PLAINVIEW_PRECISION', () => {
  const configOf = (env: NodeJS.ProcessEnv) => loadConfig({ PLAINVIEW_SECRET: 's'.repeat(48), ...env });

  it('is float32 by default', () => {
    expect(serviceOptions(configOf({})).precision).toBe('float32');
    expect(serviceOptions(configOf({ PLAINVIEW_PRECISION: 'int8' })).precision).toBe('int8');
  });

  it('cannot be int8 where features are kept', () => {
    const config = configOf({ PLAINVIEW_PRECISION: 'int8', PLAINVIEW_FEATURES: 'keep' });
    expect(() => serviceOptions(config)).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringMatching(/PLAINVIEW_FEATURES.*PLAINVIEW_PRECISION/),
      }),
    );
  });

  it('must be the same for all services of an archive', () => {
    const of = (env: NodeJS.ProcessEnv) => settingsOf(configOf(env), stubClassifier(), true);
    expect(of({ PLAINVIEW_PRECISION: 'int8' })).not.toEqual(of({}));
  });

  it('makes a decision one of another network, for the sweep; records without it are of float32', () => {
    const [plain, int8] = [
      networkId.parse({ name: 'a', sha256: 'b' }),
      networkId.parse({ name: 'a', sha256: 'b', precision: 'int8' }),
    ];
    expect(isBy({ network: plain }, plain)).toBe(true);
    expect(isBy({ network: int8 }, int8)).toBe(true);
    expect(isBy({ network: plain }, int8)).toBe(false);
    expect(isBy({ network: int8 }, plain)).toBe(false);
  });
});

const radiographs = labelledRadiographs(1000);
it.skipIf(lacksVnni || radiographs.length === 0)(
  'agrees with float32 on real radiographs: 99.5 % of the top categories, and as many right, but for 2 of 1000',
  async () => {
    const { network } = await loadNetwork(embedded);
    const [float32, int8] = [await creators.onnxruntime(whole), await createInt8(whole, range)];
    const count = { same: 0, right: 0, right8: 0 };
    for (const { path, label } of radiographs) {
      const input = prepare(await decode(readFileSync(path), 150), { ...size, mean: 128, std: 128 });
      const top = async (engine: Engine) => {
        const { scores } = await engine.infer(input, size);
        return network.classes[scores.indexOf(Math.max(...scores))];
      };
      const [one, other] = [await top(float32), await top(int8)];
      if (one === other) count.same++;
      if (one === label) count.right++;
      if (other === label) count.right8++;
    }
    await Promise.all([float32.close(), int8.close()]);
    expect(count.same / radiographs.length).toBeGreaterThanOrEqual(0.995);
    expect(Math.abs(count.right - count.right8)).toBeLessThanOrEqual(2);
  },
);
