import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { creators } from '../../../src/classify/engines/choose.js';
import { type CreateEngine, type Engine, engineNames } from '../../../src/classify/engines/engine.js';
import { createInt8 } from '../../../src/classify/engines/onnxruntime.js';
import { int8Tolerance, noise, selfTest, tolerance } from '../../../src/classify/engines/self-test.js';
import { activationMapOf } from '../../../src/classify/graph/activation-maps.js';
import { buildChain, type Chain, featureMapsSizeOf } from '../../../src/classify/graph/chain.js';
import { readGraphDef } from '../../../src/classify/graph/graphdef.js';
import { momentsOf } from '../../../src/classify/graph/moments.js';
import { runReference } from '../../../src/classify/graph/reference.js';
import { walk } from '../../../src/classify/graph/walk.js';
import { decode } from '../../../src/classify/prepare/decode.js';
import { prepare } from '../../../src/classify/prepare/resize.js';
import { golden, goldenGraph, goldenPicture, goldenSize } from '../../../testkit/classify/graphs.js';
import { modelFile, radiographs } from '../../../testkit/classify/pictures.js';
import { lacksVnni } from '../../../testkit/classify/vnni.js';

const layers = { inputLayer: 'input', outputLayer: 'final_result' };
const size = { height: 224, width: 224 };
const length = size.height * size.width * 3;

const embedded = walk(readGraphDef(readFileSync(modelFile('plainview.pb'))), layers);
const chain = buildChain(embedded, size);
// The reference takes seconds per picture, so there are few pictures, computed once for all engines.
const files = radiographs(3);
const pictures: { name: string; input: Float32Array; reference: Float64Array }[] = [];

beforeAll(async () => {
  const add = (name: string, input: Float32Array) =>
    pictures.push({ name, input, reference: runReference(embedded, input, size) });
  add('noise', noise(length, 7));
  for (const file of files)
    add(file, prepare(await decode(readFileSync(file), 150), { ...size, mean: 128, std: 128 }));
}, 120_000);

/** Of prepared pictures. */
const range = [-1, 1] as const;

/** What an engine is held to. */
interface Held {
  name: string;
  skip: boolean;
  create: CreateEngine;
  int8?: typeof range;
  /** The golden networks that it runs. */
  graphs: string[];
  /** Greatest difference of a score: from TensorFlow, and from the reference. */
  golden: number;
  scores: number;
  /** Greatest relative error of maps, and greatest difference of moments. */
  maps: number;
  moments: number;
}

/** Engines that must not be skipped, on a machine that has what they need. */
const demanded = process.env.PLAINVIEW_TEST_ENGINES?.split(',') ?? [];
const why = new Map<string, string>();
for (const name of engineNames) {
  try {
    const engine = await creators[name](chain);
    await engine.close();
  } catch (error) {
    if (demanded.includes(name)) throw error;
    why.set(name, (error as Error).message);
    console.warn(`${name} is not tested: ${(error as Error).message}`);
  }
}

function furthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.NaN))), 0);
}

const best = (scores: ArrayLike<number>) => Array.from(scores).indexOf(Math.max(...Array.from(scores)));

function softmax(logits: readonly number[]): number[] {
  const powers = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  return powers.map((power) => power / powers.reduce((a, b) => a + b));
}

/** Applies linear layers without their biases to the features at each position. */
function weighed(features: Float64Array, head: Chain['head']): number[] {
  return head.reduce<number[]>((values, { inputs, outputs, weights }) => {
    const places = values.length / inputs;
    return Array.from({ length: places * outputs }, (_, i) => {
      const [place, o] = [Math.floor(i / outputs), i % outputs];
      let sum = 0;
      for (let k = 0; k < inputs; k++)
        sum += (values[place * inputs + k] ?? Number.NaN) * (weights[k * outputs + o] ?? Number.NaN);
      return sum;
    });
  }, Array.from(features));
}

const float32 = {
  graphs: Object.keys(golden.scores),
  golden: 1e-5,
  scores: tolerance,
  maps: 1e-4,
  moments: 1e-4,
};
const engines: Held[] = [
  ...engineNames.map((name) => ({ ...float32, name, skip: why.has(name), create: creators[name] })),
  {
    name: 'onnxruntime in int8',
    skip: why.has('onnxruntime') || lacksVnni,
    create: (network) => createInt8(network, range),
    int8: range,
    // The other one has convolutions without relu6.
    graphs: ['slim_retrained', 'keras'],
    golden: 0.02,
    scores: 0.02,
    maps: int8Tolerance,
    moments: 0.1,
  },
];

async function withEngine(create: CreateEngine, network: Chain, use: (engine: Engine) => Promise<void>) {
  const engine = await create(network);
  try {
    await use(engine);
  } finally {
    await engine.close();
  }
}

describe.each(engines)('engine $name', ({ create, skip, graphs, int8, ...most }) => {
  it.skipIf(skip).each(graphs)('gives the scores that TensorFlow gives on %s', async (graph) => {
    const steps = walk(readGraphDef(goldenGraph(graph)), layers);
    await withEngine(create, buildChain(steps, goldenSize), async (engine) => {
      for (const seed of [1, 2]) {
        const { scores } = await engine.infer(goldenPicture(seed), goldenSize);
        expect(furthest(scores, golden.scores[graph]?.[seed - 1] ?? [])).toBeLessThan(most.golden);
      }
      await expect(selfTest(engine, steps, buildChain(steps, goldenSize), int8)).resolves.toBeUndefined();
    });
  });

  it.skipIf(skip)(`agrees with the float64 reference on noise and on ${files.length} radiographs`, () =>
    withEngine(create, chain, async (engine) => {
      for (const { name: picture, input, reference } of pictures) {
        const { scores } = await engine.infer(input, size);
        expect(furthest(scores, reference), picture).toBeLessThan(most.scores);
        expect(best(scores), picture).toBe(best(reference));
      }
    }),
  );

  it.skipIf(skip).each([...graphs, 'the embedded network'])(
    'gives feature maps whose moments are right, and class activation maps that add up to the scores: %s',
    async (graph) => {
      const isEmbedded = graph === 'the embedded network';
      const steps = isEmbedded ? embedded : walk(readGraphDef(goldenGraph(graph)), layers);
      const at = isEmbedded ? size : goldenSize;
      const whole = isEmbedded ? chain : buildChain(steps, goldenSize);
      const input = isEmbedded ? noise(length, 7) : goldenPicture(1);
      const { classes } = whole;
      await withEngine(create, whole, async (engine) => {
        const { scores, featureMaps = new Float32Array() } = await engine.infer(input, at);
        const each = Array.from({ length: classes }, (_, c) => activationMapOf(whole, featureMaps, c));
        const places = each[0]?.values.length ?? 0;
        const logits = each.map(
          ({ values, bias }) => bias + values.reduce((sum, value) => sum + value, 0) / places,
        );
        const maps = Array.from(
          { length: places * classes },
          (_, i) => each[i % classes]?.values[Math.floor(i / classes)] ?? Number.NaN,
        );
        expect(furthest(softmax(logits), scores)).toBeLessThan(1e-5);

        const beforePool = steps.slice(
          0,
          steps.findIndex(({ kind }) => kind === 'pool'),
        );
        const features = runReference(beforePool, input, at);
        const expected = weighed(features, whole.head);
        const scale = Math.max(...expected.map(Math.abs));
        expect(furthest(maps, expected)).toBeLessThan(most.maps * scale);
        const moments = (values: Float32Array) => momentsOf(values, featureMapsSizeOf(whole));
        expect(furthest(moments(featureMaps), moments(Float32Array.from(features)))).toBeLessThan(
          most.moments,
        );
      });
    },
  );

  it.skipIf(skip)('gives a picture in a batch the same scores as alone, at any index', () =>
    withEngine(create, chain, async (engine) => {
      const count = 5;
      const batch = noise(count * length, 11);
      const { scores: together } = await engine.infer(batch, size);
      const classes = together.length / count;
      for (let i = 0; i < count; i++) {
        const { scores: alone } = await engine.infer(batch.slice(i * length, (i + 1) * length), size);
        expect(furthest(together.subarray(i * classes, (i + 1) * classes), alone)).toBeLessThan(1e-6);
      }
    }),
  );

  it.skipIf(skip)('keeps no state between pictures, and does not change its input', () =>
    withEngine(create, chain, async (engine) => {
      const picture = noise(length, 21);
      const first = await engine.infer(picture, size);
      await engine.infer(noise(length, 22), size);
      expect(await engine.infer(picture, size)).toEqual(first);
      expect(picture).toEqual(noise(length, 21));
    }),
  );
});
