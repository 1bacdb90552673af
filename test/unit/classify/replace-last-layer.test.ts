import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createWasm } from '../../../src/classify/engines/wasm.js';
import { buildChain, type Chain } from '../../../src/classify/graph/chain.js';
import { readGraphDef } from '../../../src/classify/graph/graphdef.js';
import { featuresHash, featuresOf, scoresOf } from '../../../src/classify/graph/last-layer.js';
import { replaceLastLayer } from '../../../src/classify/graph/replace-last-layer.js';
import { walk } from '../../../src/classify/graph/walk.js';
import { shipped } from '../../../src/files/places.js';
import { goldenGraph, goldenPicture, goldenSize } from '../../../testkit/classify/graphs.js';
import { python } from '../../../testkit/python.js';
import { seeded } from '../../../testkit/random.js';

const layers = { inputLayer: 'input', outputLayer: 'final_result' };
const chainOf = (file: Uint8Array, size = goldenSize): Chain =>
  buildChain(walk(readGraphDef(file), layers), size);

const folder = await mkdtemp(join(tmpdir(), 'last-layer-'));
afterAll(() => rm(folder, { recursive: true }));

/** A last layer with seven outputs for a network. */
function newLayer({ head }: Chain, outputs = 7) {
  const random = seeded(3);
  const inputs = head.at(-1)?.inputs ?? 0;
  return {
    inputs,
    outputs,
    weights: Float32Array.from({ length: inputs * outputs }, () => random() * 2 - 1),
    bias: Float32Array.from({ length: outputs }, () => random() * 2 - 1),
  };
}

/** The scores that the new layer must give, computed from what enters the old one. */
async function expectedScores(chain: Chain, layer: ReturnType<typeof newLayer>, picture: Float32Array) {
  const engine = await createWasm(chain);
  const { featureMaps = new Float32Array() } = await engine.infer(picture, chain.input);
  return scoresOf({ head: [{ ...layer, activation: 'linear' }] }, featuresOf(chain, featureMaps));
}

const expectClose = (actual: ArrayLike<number>, expected: ArrayLike<number>) => {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) expect(actual[i]).toBeCloseTo(expected[i] ?? Number.NaN, 5);
};

describe.each(['slim_retrained', 'keras', 'rare'])('a new last layer of %s', (name) => {
  const file = goldenGraph(name);
  const layer = newLayer(chainOf(file));
  const replaced = replaceLastLayer(file, layers, layer);

  test('gives the scores of the new layer', async () => {
    const picture = goldenPicture(1);
    const engine = await createWasm(chainOf(replaced));
    const { scores } = await engine.infer(picture, goldenSize);
    expectClose(scores, await expectedScores(chainOf(file), layer, picture));
  });

  test('leaves the features as they were', () => {
    expect(featuresHash(chainOf(replaced))).toBe(featuresHash(chainOf(file)));
  });

  test('can be replaced again, and the graph does not grow', () => {
    const again = replaceLastLayer(replaced, layers, newLayer(chainOf(replaced), 5));
    expect(chainOf(again).classes).toBe(5);
    expect(readGraphDef(again).size).toBe(readGraphDef(replaced).size);
    expect(Buffer.from(replaceLastLayer(again, layers, layer)).equals(replaced)).toBe(true);
  });
});

test('replaces the last layer of the embedded network', async () => {
  const file = await readFile(shipped('model', 'plainview.pb'));
  const size = { height: 224, width: 224 };
  const before = chainOf(file, size);
  const after = chainOf(replaceLastLayer(file, layers, newLayer(before, 34)), size);
  expect(after.classes).toBe(34);
  expect(featuresHash(after)).toBe(featuresHash(before));
});

const hasTensorFlow = (() => {
  try {
    execFileSync(python(), ['-c', 'import tensorflow'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** Runs a graph on a picture of 24 × 24 by TensorFlow itself. Both are read from files. */
const tensorflowProgram = `
import json, sys
import numpy as np, tensorflow as tf
graph = tf.compat.v1.GraphDef.FromString(open(sys.argv[1], "rb").read())
picture = np.fromfile(sys.argv[2], "<f4").reshape(1, 24, 24, 3)
with tf.Graph().as_default() as built:
    tf.import_graph_def(graph, name="")
    with tf.compat.v1.Session(graph=built) as session:
        print(json.dumps(session.run("final_result:0", {"input:0": picture})[0].tolist()))
`;

test.skipIf(!hasTensorFlow).each(['slim_retrained', 'keras', 'rare'])(
  'TensorFlow runs %s with a new last layer (needs tensorflow in .venv)',
  async (name) => {
    const file = goldenGraph(name);
    const layer = newLayer(chainOf(file));
    const picture = goldenPicture(2);
    const [graphFile, pictureFile] = [join(folder, `${name}.pb`), join(folder, 'picture.f32')];
    await writeFile(graphFile, replaceLastLayer(file, layers, layer));
    await writeFile(pictureFile, new Uint8Array(picture.buffer));
    const out = execFileSync(python(), ['-c', tensorflowProgram, graphFile, pictureFile], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expectClose(JSON.parse(out) as number[], await expectedScores(chainOf(file), layer, picture));
  },
);
