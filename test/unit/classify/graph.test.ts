import { describe, expect, it } from 'vitest';
import { buildChain } from '../../../src/classify/graph/chain.js';
import { readGraphDef } from '../../../src/classify/graph/graphdef.js';
import { runReference } from '../../../src/classify/graph/reference.js';
import { walk } from '../../../src/classify/graph/walk.js';
import {
  bytes,
  edited,
  find,
  golden,
  goldenGraph,
  goldenPicture,
  goldenSize,
  type Node,
} from '../../../testkit/classify/graphs.js';

const layers = { inputLayer: 'input', outputLayer: 'final_result' };

const scoresOf = (file: Uint8Array, seed: number) =>
  runReference(walk(readGraphDef(file), layers), goldenPicture(seed), goldenSize);

function expectScores(scores: Float64Array, name: string, seed: number): void {
  const expected = golden.scores[name]?.[seed - 1] ?? [];
  expect(scores.length).toBe(expected.length);
  // TensorFlow computes in float32.
  for (const [i, score] of scores.entries()) expect(score).toBeCloseTo(expected[i] ?? Number.NaN, 5);
}

/** Reads a graph as before the first picture. */
const load = (file: Uint8Array, names = layers) => buildChain(walk(readGraphDef(file), names), goldenSize);

describe('frozen graphs as TensorFlow writes them', () => {
  it.each(Object.keys(golden.scores))('%s has the same scores as in TensorFlow', (name) => {
    for (const seed of [1, 2]) expectScores(scoresOf(goldenGraph(name), seed), name, seed);
  });

  it('batch normalisation is folded into the convolutions', () => {
    expect(load(goldenGraph('slim_retrained')).features).toHaveLength(5);
    expect(load(goldenGraph('slim_retrained')).head.map(({ outputs }) => outputs)).toEqual([11, 5]);
  });

  it('a weight may start at any byte of memory', () => {
    const file = goldenGraph('keras');
    for (const offset of [0, 1, 2, 3]) {
      const shifted = Buffer.alloc(file.length + offset).subarray(offset);
      file.copy(shifted);
      expectScores(scoresOf(shifted, 1), 'keras', 1);
    }
  });
});

describe('other forms of the same graph', () => {
  it('convolutions without the attribute dilations, as before TensorFlow 1.6', () => {
    const file = edited('slim_retrained', (nodes) => {
      for (const { attr } of nodes) delete attr.dilations;
    });
    expectScores(scoresOf(file, 1), 'slim_retrained', 1);
  });

  it('weights as a list of floats', () => {
    const file = edited('keras', (nodes) => {
      for (const { attr } of nodes) {
        const tensor = attr.value?.tensor;
        if (tensor?.dtype !== 1 || !tensor.tensorContent?.length) continue;
        const content = Buffer.from(tensor.tensorContent);
        tensor.floatVal = Array.from({ length: content.length / 4 }, (_, i) => content.readFloatLE(4 * i));
        delete tensor.tensorContent;
      }
    });
    expectScores(scoresOf(file, 2), 'keras', 2);
  });

  it('one float for a whole tensor', () => {
    const set = (values: (count: number) => Partial<NonNullable<Node['attr'][string]['tensor']>>) =>
      edited('keras', (nodes) => {
        const tensor = find(nodes, ({ name }) => name === 'conv1_bn/variance').attr.value?.tensor;
        if (tensor) Object.assign(tensor, { tensorContent: undefined, floatVal: undefined }, values(8));
      });
    const one = scoresOf(
      set(() => ({ floatVal: [0.25] })),
      1,
    );
    const all = scoresOf(
      set((count) => ({ floatVal: new Array<number>(count).fill(0.25) })),
      1,
    );
    expect(one).toEqual(all);
    expect(one).not.toEqual(scoresOf(goldenGraph('keras'), 1));
  });

  it('a batch normalisation without the epsilon attribute takes TensorFlow’s default', () => {
    const set = (epsilon: number | undefined) =>
      edited('keras', (nodes) => {
        for (const { op, attr } of nodes) {
          if (op !== 'FusedBatchNormV3') continue;
          delete attr.epsilon;
          if (epsilon !== undefined) attr.epsilon = { f: epsilon };
        }
      });
    expect(scoresOf(set(undefined), 1)[0]).toBeCloseTo(scoresOf(set(1e-4), 1)[0] ?? Number.NaN, 9);
  });

  it('layers named with their port', () => {
    const steps = walk(readGraphDef(goldenGraph('rare')), {
      inputLayer: 'input:0',
      outputLayer: 'final_result:0',
    });
    expectScores(runReference(steps, goldenPicture(1), goldenSize), 'rare', 1);
  });

  it('the names of all nodes except the two layers are ignored', () => {
    const file = edited('slim_retrained', (nodes) => {
      const renamed = new Map(
        nodes.map(({ name }, i) => [name, ['input', 'final_result'].includes(name) ? name : `n${i}`]),
      );
      for (const node of nodes) {
        node.name = renamed.get(node.name) ?? '';
        node.input = node.input.map((name) => renamed.get(name) ?? name);
      }
    });
    expectScores(scoresOf(file, 2), 'slim_retrained', 2);
  });
});

describe('an unsupported network is refused, with op and node', () => {
  const setAttr = (op: string, name: string, value: Node['attr'][string]) => (nodes: Node[]) => {
    find(nodes, (node) => node.op === op).attr[name] = value;
  };
  it.each<[string, string, (nodes: Node[]) => void, RegExp]>([
    [
      'an op of another family',
      'keras',
      (nodes) => {
        find(nodes, ({ op }) => op === 'Relu6').op = 'LeakyRelu';
      },
      /\(LeakyRelu\)/,
    ],
    [
      'two branches',
      'keras',
      (nodes) => {
        const relu = find(nodes, ({ op }) => op === 'Relu6');
        Object.assign(relu, { op: 'AddV2', input: [relu.input[0], relu.input[0]] });
      },
      /\(AddV2\).*two branches/,
    ],
    [
      'a circle',
      'keras',
      (nodes) => {
        const relu = find(nodes, ({ op }) => op === 'Relu6');
        relu.input = [relu.name];
      },
      /\(Relu6\).*its own input/,
    ],
    [
      'batch normalisation in training',
      'keras',
      setAttr('FusedBatchNormV3', 'is_training', { b: true }),
      /training/,
    ],
    [
      'dilation',
      'keras',
      setAttr('Conv2D', 'dilations', { list: { i: [1, 2, 2, 1] } }),
      /\(Conv2D\).*dilated/,
    ],
    ['channels first', 'keras', setAttr('Conv2D', 'data_format', { s: bytes('NCHW') }), /NCHW/],
    [
      'no softmax',
      'rare',
      (nodes) => {
        find(nodes, ({ op }) => op === 'Softmax').op = 'Identity';
      },
      /no softmax/,
    ],
    [
      'an activation after the softmax',
      'keras',
      (nodes) => {
        find(nodes, ({ name }) => name === 'final_result').op = 'Relu';
      },
      /after the softmax/,
    ],
    [
      'variables instead of constants',
      'rare',
      (nodes) => {
        find(nodes, ({ name }) => name === 'a').op = 'VariableV2';
      },
      /is the graph frozen/,
    ],
    [
      'an average over part of the picture',
      'slim_retrained',
      setAttr('AvgPool', 'ksize', { list: { i: [1, 3, 3, 1] } }),
      /\(AvgPool\).*3×3 of 6×6/,
    ],
    [
      'weights that do not fit',
      'rare',
      (nodes) => {
        find(nodes, ({ name }) => name === 'e').attr.value =
          find(nodes, ({ name }) => name === 'c').attr.value ?? {};
      },
      /channels/,
    ],
  ])('%s', (_, name, change, message) => {
    expect(() => load(edited(name, change))).toThrow(
      expect.objectContaining({ code: 'network_unsupported', message: expect.stringMatching(message) }),
    );
  });

  it.each<[string, (nodes: Node[]) => void]>([
    [
      'a node that is not there',
      (nodes) => {
        find(nodes, ({ op }) => op === 'Relu6').input = ['gone'];
      },
    ],
    [
      'a constant that is cut short',
      (nodes) => {
        const tensor = find(nodes, ({ name }) => name === 'conv1/kernel').attr.value?.tensor;
        if (tensor?.tensorContent) tensor.tensorContent = tensor.tensorContent.slice(4);
      },
    ],
    [
      'a constant of 2^60 values',
      (nodes) => {
        const tensor = find(nodes, ({ name }) => name === 'conv1/kernel').attr.value?.tensor;
        Object.assign(tensor ?? {}, {
          tensorShape: { dim: [{ size: 2 ** 60 }] },
          tensorContent: undefined,
          floatVal: [1],
        });
      },
    ],
  ])('a broken file: %s', (_, change) => {
    expect(() => load(edited('keras', change))).toThrow(
      expect.objectContaining({ code: 'network_unreadable' }),
    );
  });

  it('a file of another format, or truncated', () => {
    const file = goldenGraph('keras');
    for (const other of [Buffer.alloc(0), Buffer.from('<!doctype html>'), file.subarray(0, file.length / 2)])
      expect(() => load(other)).toThrow(expect.objectContaining({ code: 'network_unreadable' }));
    expect(() => load(Buffer.from('<!doctype html>'))).toThrow(/PLAINVIEW_NETWORK .* a frozen graph/);
  });

  it('wrong layer names, with the existing names', () => {
    const file = goldenGraph('keras');
    const refusal = (names: Partial<typeof layers>) => () => load(file, { ...layers, ...names });
    expect(refusal({ inputLayer: 'image' })).toThrow(/"image".*it has input/);
    expect(refusal({ outputLayer: 'probabilities' })).toThrow(/"probabilities".*it has Softmax/);
    expect(refusal({ inputLayer: 'conv1/kernel' })).toThrow(/the picture enters at "input"/);
  });
});
