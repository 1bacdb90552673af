import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, describe, expect, it } from 'vitest';
import { networkSchema } from '../../../scripts/network-schema.js';
import { Categories } from '../../../src/anatomy/categories.js';
import { onnxDescription } from '../../../src/classify/description.js';
import { loadNetwork, readClasses, readViews } from '../../../src/classify/network.js';
import { type Declared, formOf } from '../../../src/classify/onnx/fit.js';
import { scoresOf, suspicionsOf } from '../../../src/classify/onnx/scores.js';
import { readStartingNetwork } from '../../../src/classify/starting-network.js';
import { shipped } from '../../../src/files/places.js';

const folder = mkdtempSync(join(tmpdir(), 'onnx-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Loading does not look into the graph. */
function write(name: string, description?: object | string): string {
  const graph = join(folder, `${name}.onnx`);
  writeFileSync(graph, `graph of ${name}`);
  if (description !== undefined)
    writeFileSync(
      join(folder, `${name}.json`),
      typeof description === 'string' ? description : JSON.stringify(description),
    );
  return graph;
}
const categories = ['knee_ap', 'hand_ap', 'other'];

describe('the description of an ONNX network', () => {
  it('holds its categories, name and thresholds', async () => {
    const graph = write('whole', {
      name: 'Ours',
      purpose: 'clinical',
      thresholds: { threshold: 0.7 },
      categories,
    });
    const { network } = await loadNetwork({ graph });
    expect(network).toMatchObject({ name: 'Ours', purpose: 'clinical', classes: categories });
    expect(network.thresholds).toEqual({ threshold: 0.7, margin: 0.1, unknownBelow: 0.4 });
    expect(await readClasses({ graph })).toEqual(categories);
  });

  it('may begin with a byte order mark, as editors on Windows write it', async () => {
    const graph = write('marked', `\ufeff${JSON.stringify({ categories })}`);
    expect(await readClasses({ graph })).toEqual(categories);
  });

  it.each<[string, object | string | undefined, RegExp]>([
    ['is missing', undefined, /missing\.json is not there: .*docs\/own-network\.md/],
    ['is no JSON', '{', /broken/],
    ['has no categories', {}, /categories: /],
    ['names a category twice', { categories: ['a', 'b', 'a'] }, /categories: must not name a category twice/],
    [
      'holds back what reaches its threshold',
      { categories, thresholds: { threshold: 0.3, unknownBelow: 0.4 } },
      /thresholds\.unknownBelow: must not be above threshold, which is 0\.3/,
    ],
    ['has an unknown field', { categories, inptu: {} }, /there is no field inptu/],
    ['has an unknown field within', { categories, input: { colour: 3 } }, /there is no field input\.colour/],
    ['has a wrong layout', { categories, input: { layout: 'CHW' } }, /input\.layout: .*NCHW/],
    ['has a wrong size', { categories, input: { size: [1, 2, 3] } }, /input\.size: .*\[height, width\]/],
    ['makes all levels alike', { categories, input: { range: [1, 1] } }, /input\.range: .*two different/],
    ['divides by zero', { categories, input: { mean: 0, std: [1, 0, 1] } }, /input\.std: must not be 0/],
    ['has sigmoids', { categories, output: { values: 'sigmoid' } }, /output\.values: .*softmax/],
    [
      'has a mistyped threshold',
      { categories, thresholds: { treshold: 1 } },
      /no field thresholds\.treshold/,
    ],
  ])('that %s is refused, and the message names the field', async (what, description, message) => {
    const graph = write(what === 'is missing' ? 'missing' : 'broken', description);
    await expect(loadNetwork({ graph })).rejects.toMatchObject({
      code: 'network_unreadable',
      message: expect.stringMatching(message),
    });
  });

  it.each([
    [{ labels: 'classes.txt' }, /leave out classes\.txt \(PLAINVIEW_LABELS/],
    [{ inputHeight: 224 }, /leave out --input_height/],
    [{ inputMean: 0 }, /leave out --input_mean/],
  ])('is the only place for what it holds: %j', async (options, message) => {
    const graph = write('options', { categories });
    await expect(loadNetwork({ graph, ...options })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(message),
    });
  });

  it('has other names of input and output where the call says so', async () => {
    const graph = write('layers', { categories, input: { name: 'a' } });
    const { model } = await loadNetwork({ graph, inputLayer: 'b', outputLayer: 'c' });
    expect(model).toMatchObject({ input: { name: 'b' }, output: { name: 'c' } });
  });

  it('gives codes to categories that have none, and never takes those that there are', async () => {
    const region = { value: '61685007', scheme: 'SCT', meaning: 'Lower limb' };
    const codes = { bodyPartExamined: 'LOWERLIMB', region };
    const graph = write('views', {
      categories: ['whole_leg', 'knee_ap'],
      views: { whole_leg: codes, knee_ap: codes },
    });
    const known = Categories.read();
    const before = known.codesOf('knee_ap');
    known.declare(await readViews({ graph }));
    expect(known.codesOf('whole_leg')).toEqual(codes);
    expect(known.codesOf('knee_ap')).toEqual(before);
    expect(() => known.declare({ whole_leg: { ...codes, region: 7 } })).toThrow(/views.*whole_leg\.region/);
  });

  it('has the published schema (else: npm run docs), to which the examples of its page keep', () => {
    const published = readFileSync(shipped('docs', 'network.schema.json'), 'utf8');
    expect(published).toBe(networkSchema());
    // Validators in Python do not know Unicode classes, and end with an exception.
    expect(published).not.toMatch(/\\p\{/);
    const fits = new Ajv2020({ strict: false }).compile(JSON.parse(published));
    const page = readFileSync(shipped('docs', 'own-network.md'), 'utf8');
    const examples = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, text = '']) => JSON.parse(text));
    expect(examples).toHaveLength(2);
    for (const example of examples) {
      expect(fits(example), JSON.stringify(fits.errors)).toBe(true);
      Categories.read().declare(onnxDescription.parse(example).views);
    }
    for (const refused of [
      { input: { colour: 3 } },
      { categories: ['a', 'a'] },
      { input: { mean: 0, std: 0 } },
      { input: { mean: 0, std: [1, 0, 1] } },
      { input: { mean: [1, 2], std: [1, 2] } },
      { input: { range: [1, 1, 1] } },
      ...['a\\b', 'a\nb', 'a\u0085b', ''].map((value) => ({
        views: { a: { bodyPartExamined: 'LEG', region: { value, meaning: 'Leg' } } },
      })),
    ]) {
      const description = { categories: ['a', 'b'], ...refused };
      expect(fits(description), JSON.stringify(refused)).toBe(false);
    }
  });
});

describe('a file of another program', () => {
  mkdirSync(join(folder, 'saved'));
  writeFileSync(join(folder, 'saved', 'saved_model.pb'), '');
  mkdirSync(join(folder, 'empty'));
  it.each([
    ['model.keras', /Keras file \(\.keras\).*model\.export/],
    ['model.h5', /Keras file \(\.h5\).*model\.export/],
    ['model.pt', /PyTorch file \(\.pt\).*torch\.onnx\.export/],
    ['model.pth', /PyTorch file \(\.pth\).*torch\.onnx\.export/],
    ['model.safetensors', /\.safetensors\).*torch\.onnx\.export/],
    ['model.onnx.data', /weights of an ONNX file.*external_data=False/],
    ['model.tflite', /\.tflite\).*tf2onnx\.convert --tflite/],
    ['saved', /SavedModel folder.*tf2onnx\.convert --saved-model .*saved --output .*saved\.onnx/],
    [join('saved', 'saved_model.pb'), /part of a SavedModel folder.*--saved-model/],
    ['empty', /empty is a folder/],
  ])('%s: the message says which file is expected, and the way there', async (name, message) => {
    const refusal = { code: 'network_unreadable', message: expect.stringMatching(message) };
    await expect(loadNetwork({ graph: join(folder, name) })).rejects.toMatchObject(refusal);
    await expect(loadNetwork({ graph: join(folder, name) })).rejects.toThrow(/ONNX file \(\.onnx\)/);
  });
});

describe('a cascade', () => {
  const first = (next: object, name = 'first') =>
    write(name, { categories: ['knee', 'hand', 'other'], next });
  write('knees', { categories: ['knee_ap', 'knee_lateral', 'other'], purpose: 'research' });

  it('has the categories of all its networks, and another hash as soon as one of them has', async () => {
    const graph = first({ knee: 'knees.onnx' });
    const one = (await loadNetwork({ graph })).network;
    expect(one.classes).toEqual(['knee', 'hand', 'other', 'knee_ap', 'knee_lateral']);
    expect(await readClasses({ graph })).toEqual(one.classes);
    expect(one).toMatchObject({ purpose: 'research', note: expect.stringContaining('knee: knees') });
    writeFileSync(join(folder, 'knees.onnx'), 'another graph');
    const two = (await loadNetwork({ graph })).network;
    expect(two.sha256).not.toBe(one.sha256);
  });

  it.each([
    ['is not there', () => first({ knee: 'no.onnx' }), /first\.json: next: .*no\.onnx is not there/],
    ['is a folder', () => first({ knee: 'empty' }), /first\.json: next: .*empty is a folder/],
    [
      'is a file of another program',
      () => first({ knee: 'model.h5' }),
      /first\.json: next: .*is a Keras file.*model\.export/,
    ],
    [
      'has no description',
      () => {
        write('bare');
        return first({ knee: 'bare.onnx' });
      },
      /first\.json: next: .*bare\.json is not there/,
    ],
    [
      'looks at no category of the first',
      () => first({ kne: 'knees.onnx' }),
      /next: "kne" is no category of this network, which gives knee, hand/,
    ],
    [
      'looks at what is none of the categories',
      () => first({ other: 'knees.onnx' }),
      /"other" is no category/,
    ],
    ['is the first one itself', () => first({ knee: './first.onnx' }), /is this network itself/],
    [
      'names others again',
      () => {
        write('loop', { categories, next: { knee_ap: 'first.onnx' } });
        return first({ knee: 'loop.onnx' });
      },
      /cascade has two steps, so remove `next` from .*loop\.json/,
    ],
  ])('whose second network %s is refused', async (_, graph, message) => {
    await expect(loadNetwork({ graph: graph() })).rejects.toThrow(message);
  });
});

it.each([
  ['an ONNX file', { categories }, /ONNX file/],
  ['a cascade', { categories: ['knee', 'hand'], next: { knee: 'knees.onnx' } }, /cascade/],
])('a training does not start from %s, and says what to do', async (_, description, message) => {
  const graph = write('start', description);
  await expect(readStartingNetwork({ graph })).rejects.toMatchObject({
    code: 'training_impossible',
    message: expect.stringMatching(message),
  });
  await expect(readStartingNetwork({ graph })).rejects.toThrow(/--network \(embedded, nncpr\)/);
});

describe('a description beside a graph', () => {
  const input: Declared = { name: 'x', type: 'float32', shape: ['N', 3, 224, 224] };
  const output: Declared = { name: 'y', type: 'float32', shape: ['N', 3] };
  const given = {
    range: [0, 1] as [number, number],
    resize: 'crop' as const,
    cropShare: 0.875,
    fill: 0,
    interpolation: 'bilinear' as const,
  };
  const form = (
    ends: Partial<{ inputs: Declared[]; outputs: Declared[] }> = {},
    own: object = {},
    values: 'logits' | 'softmax' = 'logits',
  ) =>
    formOf(
      'net.onnx',
      { inputs: [input], outputs: [output], ...ends },
      { input: { ...given, ...own }, output: { values } },
    );

  it('takes from the graph what it leaves out, and prepares as for ImageNet', () => {
    expect(form()).toEqual({
      input: {
        ...given,
        name: 'x',
        layout: 'NCHW',
        height: 224,
        width: 224,
        channels: 3,
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
      },
      output: { name: 'y', values: 'logits', classes: 3 },
      batch: 'open',
    });
    expect(form({ inputs: [{ ...input, shape: [1, 96, 80, 1] }] })).toMatchObject({
      input: { layout: 'NHWC', height: 96, width: 80, channels: 1, mean: [0], std: [1] },
      batch: 1,
    });
    expect(
      form({ inputs: [{ ...input, shape: [-1, '', '', ''] }] }, { size: { height: 64, width: 32 } }),
    ).toMatchObject({
      input: { layout: 'NCHW', height: 64, width: 32, channels: 3 },
    });
    expect(form({}, { range: [0, 255], mean: [100], std: [50] }).input).toMatchObject({
      mean: [100, 100, 100],
      std: [50, 50, 50],
    });
  });

  it.each<[string, Parameters<typeof form>, RegExp]>([
    [
      'of another size',
      [{}, { size: { height: 299, width: 224 } }],
      /\[N, 3, 224, 224\] \(NCHW\): its height is 224, and the description says 299/,
    ],
    ['with other channels', [{}, { channels: 1 }], /number of channels is 3, and the description says 1/],
    [
      'in another layout',
      [{}, { layout: 'NHWC' }],
      /with the layout NHWC it has 224 channels.*input\.layout/,
    ],
    [
      'with a mean of two values',
      [{}, { mean: [1, 2], std: [1] }],
      /`input\.mean` has 2 values, and the input has 3 channels/,
    ],
    ['with a mean alone', [{}, { mean: [0.5] }], /only one of `input\.mean` and `input\.std`/],
    ['with an unknown input', [{}, { name: 'z' }], /no such input; it has "x"/],
    [
      'of a graph with two outputs',
      [{ outputs: [output, { ...output, name: 'aux' }] }],
      /the outputs "y", "aux": `output\.name`/,
    ],
    [
      'of a graph with two inputs',
      [{ inputs: [input, { ...input, name: 'mask' }] }, { name: 'x' }],
      /inputs "x", "mask".*one input/,
    ],
    [
      'of a graph with two inputs, of which it names none',
      [{ inputs: [input, { ...input, name: 'mask' }] }],
      /inputs "x", "mask".*one input/,
    ],
    [
      'of a graph for whole films',
      [{ inputs: [{ ...input, shape: ['N', 3, 20_000, 300] }] }],
      /\[N, 3, 20000, 300\].*height is 20000.*at most 4096/,
    ],
    [
      'of a graph in half precision',
      [{ inputs: [{ ...input, type: 'float16' }] }],
      /type float16, not float32/,
    ],
    [
      'of a graph for eight pictures',
      [{ inputs: [{ ...input, shape: [8, 3, 224, 224] }] }],
      /always takes 8 pictures/,
    ],
    [
      'of a graph for vectors',
      [{ inputs: [{ ...input, shape: ['N', 512] }] }],
      /shape \[N, 512\]; a picture has four axes/,
    ],
    [
      'of a detector',
      [{ outputs: [{ ...output, shape: ['N', 100, 4] }] }],
      /\[N, 100, 4\]; a classifier's is \[N, categories\]/,
    ],
    [
      'of a graph with open outputs',
      [{ outputs: [{ ...output, shape: ['N', 'K'] }] }],
      /number of categories is open/,
    ],
  ])('%s is refused, and the message says what the graph has', (_, args, message) => {
    expect(() => form(...args)).toThrow(message);
  });
});

it('a description is suspicious where outputs contradict it', () => {
  const output = { name: 'y', values: 'logits', classes: 2 } as const;
  const of = (both: number[], alone: number[], values: 'logits' | 'softmax' = 'logits') =>
    suspicionsOf(Float32Array.from(both), Float32Array.from(alone), { ...output, values }).join();
  expect(of([1, 2, 5, 2], [5, 2])).toBe('');
  expect(of([0.1, 0.9, 0.6, 0.4], [0.6, 0.4], 'softmax')).toBe('');
  expect(of([0.1, 0.9, 0.6, 0.4], [0.6, 0.4])).toMatch(/softmax already/);
  expect(of([0.9, 0.9, 0.6, 0.4], [0.6, 0.4], 'softmax')).toMatch(/add up to 1\.800 and 1\.000/);
  expect(of([1, 2, 1, 2], [1, 2])).toMatch(/weights are missing/);
  expect(of([1, 2, 5, 2], [4, 2])).toMatch(/training mode/);
});

describe('scores', () => {
  const output = { name: 'y', values: 'logits', classes: 2 } as const;
  it('are the softmax of logits, or the softmax that the graph computes', () => {
    expect([...scoresOf(Float32Array.of(0, 0, 500, 0), output)]).toEqual([0.5, 0.5, 1, 0]);
    expect([...scoresOf(Float32Array.of(0.25, 0.75), { ...output, values: 'softmax' })]).toEqual([
      0.25, 0.75,
    ]);
  });

  it.each([
    ['NaN', Float32Array.of(0, Number.NaN), 'logits', /"y" holds NaN/],
    ['infinity', Float32Array.of(0, Number.POSITIVE_INFINITY), 'logits', /holds Infinity/],
    ['logits in place of a softmax', Float32Array.of(7.5, -2), 'softmax', /holds 7\.5.*must be "logits"/],
  ] as const)('are refused where the graph gives %s', (_, values, kind, message) => {
    expect(() => scoresOf(values, { ...output, values: kind })).toThrow(message);
  });
});
