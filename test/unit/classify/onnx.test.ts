import { readFileSync } from 'node:fs';
import { appendFile, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type Classifier,
  type ClassifierOptions,
  createClassifier,
} from '../../../src/classify/classifier.js';
import { answersOf, decideOn } from '../../../src/classify/decide.js';
import type { EngineChoice } from '../../../src/classify/engines/engine.js';
import { softmax } from '../../../src/classify/graph/last-layer.js';
import { loadNetwork, type NetworkSource, requireOutputs } from '../../../src/classify/network.js';
import { activationOf, overPicture } from '../../../src/classify/onnx/activation.js';
import type { InputForm } from '../../../src/classify/onnx/fit.js';
import { pooledHeadOf } from '../../../src/classify/onnx/pooled-head.js';
import { decode } from '../../../src/classify/prepare/decode.js';
import { placementOf, prepareAsDescribed } from '../../../src/classify/prepare/described.js';
import type { Picture } from '../../../src/classify/prepare/picture.js';
import { occlusionMap } from '../../../src/classify/workers/occlusion.js';
import { startNetwork } from '../../../src/classify/workers/running.js';
import { shipped } from '../../../src/files/places.js';
import { brightnessOnnx } from '../../../testkit/classify/brightness-onnx.js';
import { edited, find, goldenGraph, goldenSize } from '../../../testkit/classify/graphs.js';
import { goldenPictureFile } from '../../../testkit/classify/pictures.js';
import { smallOnnx } from '../../../testkit/classify/small-onnx.js';

const folder = await mkdtemp(join(tmpdir(), 'onnx-'));
afterAll(() => rm(folder, { recursive: true }));

const open: Classifier[] = [];
afterAll(async () => {
  await Promise.all(open.map((classifier) => classifier.close()));
});
/** In processes of its own, as the service does. That takes a second for each. */
async function start(graph: string, options: Partial<ClassifierOptions> = {}): Promise<Classifier> {
  const classifier = await createClassifier({ graph, engine: 'auto', workers: 1, ...options });
  open.push(classifier);
  return classifier;
}

/** In this process. */
async function run(graph: string, options: Partial<NetworkSource> & { engine?: EngineChoice } = {}) {
  const loaded = await loadNetwork({ graph, ...options });
  const running = await startNetwork(loaded.model, options.engine ?? 'auto');
  requireOutputs(loaded, running.classes);
  return {
    suspicions: running.onnx?.suspicions,
    map: async (file: Buffer, classIndex: number) => {
      const picture = await decode(file, 1);
      const result = await running.batcher.infer(async () => running.prepare(picture));
      return running.explain(result, classIndex, picture);
    },
    scores: async (picture: Buffer) =>
      (await running.batcher.infer(async () => running.prepare(await decode(picture, 1)))).scores,
  };
}

/** A grey picture of one level, or of two: left and right. */
const grey = (left: number, right = left): Promise<Buffer> =>
  sharp(
    Uint8Array.from({ length: 64 * 32 }, (_, i) => (i % 64 < 32 ? left : right)),
    {
      raw: { width: 64, height: 32, channels: 1 },
    },
  )
    .png()
    .toBuffer();
const [white, black, middle] = await Promise.all([grey(250), grey(5), grey(128)]);

describe.each(['keras', 'pytorch', 'timm'])('the network that the recipe for %s makes', (name) => {
  const expected = z
    .record(z.string(), z.array(z.number()))
    .parse(JSON.parse(readFileSync(shipped('testkit', 'onnx', `${name}.expected.json`), 'utf8')));

  it('has the scores that its own framework gives to pictures which that has prepared', async () => {
    const { scores: scoresOf, suspicions } = await run(shipped('testkit', 'onnx', `${name}.onnx`));
    expect(suspicions).toEqual([]);
    for (const [picture, scores] of Object.entries(expected)) {
      const own = await scoresOf(goldenPictureFile(picture));
      expect(own).toHaveLength(scores.length);
      // Programs round levels otherwise, and these networks exaggerate that.
      for (const [i, score] of own.entries())
        expect(Math.abs(score - (scores[i] ?? 1)), picture).toBeLessThan(0.02);
    }
  });
});

describe('an ONNX network', () => {
  it.each([
    [
      'with other outputs than names',
      { categories: ['a', 'b', 'c', 'd'] },
      {},
      /3 outputs, and .*net\.json names 4/,
    ],
    [
      'without the input that the call names',
      {},
      { inputLayer: 'x' },
      /layer "x": .*no such input; it has "input"/,
    ],
    ['in int8', {}, { precision: 'int8' as const }, /int8 .*cannot be used: .*runs as it is: choose float32/],
    [
      'on an engine that does not run it',
      {},
      { engine: 'wasm' as const },
      /only onnxruntime runs: set PLAINVIEW_ENGINE/,
    ],
  ])('%s is refused', async (_, description, options, message) => {
    const graph = await brightnessOnnx(folder, 'net', ['bright', 'dark', 'other'], description);
    await expect(run(graph, options)).rejects.toThrow(message);
  });

  it.each([
    ['no ONNX', Buffer.from('nonsense'), /is no ONNX file that onnxruntime can run/],
    ['an empty one', Buffer.alloc(0), /is no ONNX file/],
  ])('whose file is %s is refused', async (_, file, message) => {
    const graph = await brightnessOnnx(folder, 'bad', ['bright', 'dark', 'other']);
    await writeFile(graph, file);
    await expect(run(graph)).rejects.toMatchObject({
      code: 'network_unreadable',
      message: expect.stringMatching(message),
    });
  });

  it('whose weights are in another file is refused, also where onnxruntime finds that file', async () => {
    // onnxruntime looks for it in the working directory, and the network's SHA-256 would not tell of its weights.
    const graph = await brightnessOnnx(folder, 'split', ['bright', 'dark', 'other']);
    const { root } = protobuf.parse(`
      syntax = "proto2";
      message Model { optional Graph graph = 7; }
      message Graph { repeated Tensor initializer = 5; }
      message Tensor { repeated int64 dims = 1; optional int32 type = 2; optional string name = 8; repeated Entry data = 13; optional int32 location = 14; }
      message Entry { optional string key = 1; optional string value = 2; }
    `);
    const elsewhere = { key: 'location', value: 'package.json' };
    const size = { key: 'length', value: '16' };
    const weights = { dims: [4], type: 1, name: 'weights', data: [elsewhere, size], location: 1 };
    const model = root.lookupType('Model').fromObject({ graph: { initializer: [weights] } });
    // Protobuf merges messages that follow each other.
    await appendFile(graph, root.lookupType('Model').encode(model).finish());
    await expect(run(graph)).rejects.toMatchObject({
      code: 'network_unreadable',
      message: expect.stringMatching(/the weights of .*split\.onnx are in another file.*external_data=False/),
    });
  });

  it('that gives NaN is refused, and one that gives it for a picture fails that picture alone', async () => {
    const never = await brightnessOnnx(folder, 'nan', ['bright', 'dark', 'other'], {}, Number.NaN);
    await expect(run(never)).rejects.toMatchObject({ code: 'network_output' });
    // Its logits overflow for bright pictures, and for dark ones.
    const sometimes = await brightnessOnnx(folder, 'large', ['bright', 'dark', 'other'], {
      input: { size: 8, range: [-1e38, 1e38], resize: 'squash' },
    });
    const { scores } = await run(sometimes);
    await expect(scores(white)).rejects.toMatchObject({ code: 'network_output', transient: false });
    expect(await scores(await grey(127, 128))).toHaveLength(3);
  });

  /** The mean level decides: the first category for bright pictures. */
  const dense = {
    W: [
      [1, 3],
      [9, -9, 0],
    ],
    B: [[3], [-4, 4, 1]],
  } as const;

  it('that claims to take many pictures and takes one is given one at a time', async () => {
    const graph = await smallOnnx(folder, 'one', {
      nodes: [
        ['ReduceMean', ['x'], 'mean', { axes: [1, 2, 3] }],
        ['Reshape', ['mean', 'flat'], 'p'],
        ['Gemm', ['p', 'W', 'B'], 'y'],
      ],
      floats: dense,
      integers: { flat: [[2], [1, 1]] },
    });
    const { scores, suspicions } = await run(graph);
    expect(suspicions).toEqual([]);
    const [bright, dark] = [await scores(white), await scores(black)];
    expect([bright.indexOf(Math.max(...bright)), dark.indexOf(Math.max(...dark))]).toEqual([0, 1]);
  });

  it('that breaks on a picture fails that picture alone, and the message says that it is the network', async () => {
    // It takes what stands at the brightest level, from a list of two.
    const graph = await smallOnnx(folder, 'breaks', {
      nodes: [
        ['ReduceMean', ['x'], 'mean', { axes: [2, 3], keepdims: 0 }],
        ['ReduceMax', ['x'], 'most', { axes: [1, 2, 3], keepdims: 0 }],
        ['Cast', ['most'], 'at', { to: 7 }],
        ['Gather', ['list', 'at'], 'taken'],
        ['Unsqueeze', ['taken', 'second'], 'column'],
        ['Gemm', ['mean', 'W', 'B'], 'z'],
        ['Add', ['z', 'column'], 'y'],
      ],
      floats: { ...dense, list: [[2], [0, 0]] },
      integers: { second: [[1], [1]] },
      description: { input: { resize: 'squash', range: [0, 100] } },
    });
    const { scores } = await run(graph);
    await expect(scores(white)).rejects.toMatchObject({
      code: 'network_output',
      transient: false,
      message: expect.stringMatching(/does not run on this picture: .*out of data bounds/),
    });
    expect(await scores(await grey(1))).toHaveLength(3);
  });

  it('for a later onnxruntime is refused in words of its reason', async () => {
    const graph = await smallOnnx(folder, 'later', { nodes: [['Identity', ['x'], 'y']], opset: 99 });
    await expect(run(graph)).rejects.toThrow(
      /can run: ONNX Runtime only .*[Oo]pset.* 99 .*official support/s,
    );
  });

  it('is suspicious where its softmax is called logits', async () => {
    const graph = await brightnessOnnx(folder, 'twice', ['bright', 'dark', 'other'], { output: {} });
    expect((await run(graph)).suspicions).toEqual([expect.stringMatching(/softmax already/)]);
  });

  it('stands in the shadow of a frozen graph, with its own preparation, and the other way round', async () => {
    const frozen = {
      graph: join(folder, 'keras.pb'),
      inputHeight: goldenSize.height,
      inputWidth: goldenSize.width,
    };
    await writeFile(frozen.graph, goldenGraph('keras'));
    await writeFile(join(folder, 'classes.txt'), 'a\nb\nc\nd\ne\n');
    const onnx = { graph: shipped('testkit', 'onnx', 'pytorch.onnx') };
    const [both, turned] = await Promise.all([
      start(frozen.graph, { ...frozen, shadow: onnx }),
      start(onnx.graph, { shadow: frozen }),
    ]);
    const picture = goldenPictureFile('rgb.png');
    const alone = await Promise.all([
      run(frozen.graph, { ...frozen, engine: 'onnxruntime' }).then(({ scores }) => scores(picture)),
      run(onnx.graph).then(({ scores }) => scores(picture)),
    ]);
    const together = await both.classify(picture);
    expect([together.scores, together.shadow]).toMatchObject([alone[0], { scores: alone[1] }]);
    const other = await turned.classify(picture);
    expect([other.scores, other.shadow]).toMatchObject([alone[1], { scores: alone[0] }]);

    const map = await turned.explain(picture, 'knee');
    expect([map.method, map.values.length]).toEqual(['activation', map.rows * map.columns]);
    expect(Math.max(...map.values.map(Math.abs))).toBeGreaterThan(0);
    await expect(turned.explain(picture, 'skull')).rejects.toMatchObject({ code: 'class_unknown' });
    await expect(turned.features(picture)).rejects.toMatchObject({ code: 'training_impossible' });
  });
});

describe('a cascade of two networks', () => {
  let classifier: Classifier;
  let cascade = '';
  beforeAll(async () => {
    await brightnessOnnx(folder, 'second', ['knee_ap', 'knee_lateral', 'other'], {
      thresholds: { threshold: 0.99 },
      name: 'knees',
    });
    cascade = await brightnessOnnx(folder, 'first', ['knee', 'hand', 'other'], {
      next: { knee: 'second.onnx' },
      name: 'parts',
    });
    classifier = await start(cascade);
  });

  it('asks the second one where the first gives its category, and names both with their scores', async () => {
    const seen = await classifier.classify(white);
    expect(decideOn(seen)).toMatchObject({
      decision: 'category',
      category: 'knee_ap',
      reason: expect.stringMatching(/^knee at .*; then knees: knee_ap at/),
      because: [{ code: 'best' }, { code: 'second_network', params: { network: 'knees' } }, { code: 'best' }],
    });
    const answers = answersOf(seen) ?? [];
    expect(answers.map(({ network, top }) => [network.name, top[0]?.category])).toEqual([
      ['parts', 'knee'],
      ['knees', 'knee_ap'],
    ]);
    expect(answers.map(({ network }) => network.sha256)).not.toContain(seen.network.sha256);
  });

  it.each([
    ['gives another category', black, 'category', 'hand'],
    ['is undecided', middle, 'needs_review', undefined],
  ])('leaves the second one out where the first %s', async (_, picture, decision, category) => {
    const seen = await classifier.classify(picture);
    const decided = decideOn(seen);
    expect([decided.decision, decided.category]).toEqual([decision, category]);
    expect(answersOf(seen)?.map(({ network }) => network.name)).toEqual(['parts']);
  });

  it('holds each network to its own thresholds', async () => {
    // Bright enough for the first one, not for the second.
    const seen = await classifier.classify(await grey(180));
    expect(decideOn(seen)).toMatchObject({
      decision: 'needs_review',
      reason: expect.stringContaining('knee at 0.'),
    });
    expect(seen.cascade?.next).toBeDefined();
  });

  it('explains a category by the network that gave it', async () => {
    const picture = await grey(250, 100);
    for (const category of ['knee', 'knee_ap']) {
      const { values, columns, method } = await classifier.explain(picture, category);
      const left = values.filter((_, i) => i % columns < columns / 2).reduce((a, b) => a + b, 0);
      expect([method, left > 0]).toEqual(['activation', true]);
    }
  });

  it('has a frozen graph as its first network just as well', async () => {
    const graph = join(folder, 'frozen.pb');
    await writeFile(graph, goldenGraph('keras'));
    await copyFile(shipped('testkit', 'onnx', 'keras.onnx'), join(folder, 'next.onnx'));
    await copyFile(shipped('testkit', 'onnx', 'keras.json'), join(folder, 'next.json'));
    const size = { inputHeight: goldenSize.height, inputWidth: goldenSize.width };
    await writeFile(join(folder, 'classes.txt'), 'a\nb\nc\nd\ne\n');
    const picture = goldenPictureFile('rgb.png');
    const scores = await (await run(graph, size)).scores(picture);
    const best = 'abcde'[scores.indexOf(Math.max(...scores))] ?? '';
    await writeFile(
      join(folder, 'frozen.json'),
      JSON.stringify({
        next: { [best]: 'next.onnx' },
        thresholds: { threshold: 0, margin: 0, unknownBelow: 0 },
      }),
    );
    // A shadow is one network, so this one is not asked.
    const both = await start(graph, { ...size, shadow: { graph: cascade } });
    expect(both.shadow?.problem?.message).toMatch(/is a cascade .*name one of its networks/);
    const seen = await both.classify(picture);
    expect(answersOf(seen)?.map(({ network }) => network.name)).toEqual(['frozen', 'keras-recipe']);
  });
});

const form: InputForm = {
  name: 'x',
  layout: 'NCHW',
  height: 8,
  width: 8,
  channels: 1,
  range: [0, 255],
  mean: [0],
  std: [1],
  resize: 'squash',
  cropShare: 1,
  fill: 0,
  interpolation: 'bilinear',
};

describe('the preparation', () => {
  it.each([
    ['squash', 1, { left: 0, top: 0, height: 224, width: 224 }],
    ['letterbox', 1, { left: 0, top: 56, height: 112, width: 224 }],
    ['crop', 0.875, { left: -144, top: -16, height: 256, width: 512 }],
  ] as const)('places a picture twice as wide as high: %s', (resize, cropShare, placement) => {
    const input = { height: 224, width: 224, resize, cropShare };
    expect(placementOf({ height: 1000, width: 2000 }, input)).toEqual(placement);
  });

  it.each([
    // As torchvision's Resize(256) and CenterCrop(224): halves are rounded to even.
    ['crop', [256, 259], [224, 224], { left: -18, top: -16, height: 256, width: 259 }],
    ['crop', [256, 257], [224, 224], { left: -16, top: -16, height: 256, width: 257 }],
    ['crop', [2000, 1507], [224, 224], { left: -16, top: -58, height: 339, width: 256 }],
    // As timm, whose sides are rounded to the nearest where they are not those of a square.
    ['crop', [512, 387], [192, 160], { left: -11, top: -24, height: 241, width: 182 }],
    ['letterbox', [2000, 1507], [224, 224], { left: 27, top: 0, height: 224, width: 169 }],
    ['letterbox', [224, 201], [224, 224], { left: 11, top: 0, height: 224, width: 201 }],
  ] as const)('rounds as torchvision and timm do: %s, %j to %j', (resize, of, to, placement) => {
    const input = { height: to[0], width: to[1], resize, cropShare: 0.875 };
    expect(placementOf({ height: of[0], width: of[1] }, input)).toEqual(placement);
  });

  const picture = (channels: 1 | 3, levels: readonly number[]): Picture => ({
    width: levels.length / channels,
    height: 1,
    channels,
    pixels: Uint8Array.from(levels),
  });
  const prepared = async (of: Picture, own: Partial<InputForm>) =>
    [...(await prepareAsDescribed(of, { ...form, height: 1, width: of.width, ...own }))].map((value) =>
      Number(value.toFixed(4)),
    );

  it('keeps levels, subtracts the mean and divides, by channel and in the layout', async () => {
    expect(await prepared(picture(1, [0, 100, 255]), {})).toEqual([0, 100, 255]);
    expect(await prepared(picture(1, [0, 255]), { range: [-1, 1] })).toEqual([-1, 1]);
    const colours = { channels: 3, range: [0, 1], mean: [0, 0.5, 1], std: [1, 0.5, 0.25] } as const;
    expect(await prepared(picture(3, [255, 0, 255, 0, 255, 0]), { ...colours, layout: 'NHWC' })).toEqual([
      1, -1, 0, 0, 1, -4,
    ]);
    expect(await prepared(picture(3, [255, 0, 255, 0, 255, 0]), colours)).toEqual([1, 0, -1, 1, 0, -4]);
  });

  it('makes grey of colours by their luma, three channels of grey, and eight bits of sixteen', async () => {
    expect(await prepared(picture(3, [255, 0, 0]), {})).toEqual([76]);
    expect(await prepared(picture(1, [7]), { channels: 3, mean: [0, 0, 0], std: [1, 1, 1] })).toEqual([
      7, 7, 7,
    ]);
    const wide = { ...picture(1, [0]), pixels: Uint16Array.of(0x80ff) };
    expect(await prepared(wide, {})).toEqual([0x80]);
  });

  it.each([
    // What Pillow makes of a picture of 2 × 3: 3 × 5.
    ['nearest', [10, 200, 200, 10, 200, 200, 30, 120, 120, 250, 0, 0, 250, 0, 0]],
    ['bilinear', [10, 105, 200, 18, 93, 168, 30, 75, 120, 162, 105, 48, 250, 125, 0]],
    ['bicubic', [0, 107, 218, 0, 92, 187, 24, 75, 126, 175, 106, 40, 255, 129, 0]],
    ['lanczos', [6, 110, 230, 0, 90, 207, 19, 75, 131, 179, 105, 34, 255, 131, 0]],
  ] as const)('enlarges as Pillow does: %s', async (interpolation, levels) => {
    const small = { ...picture(1, [10, 200, 30, 120, 250, 0]), width: 2, height: 3 };
    const own = await prepared(small, { height: 5, width: 3, interpolation });
    for (const [i, level] of own.entries()) expect(Math.abs(level - (levels[i] ?? 0))).toBeLessThanOrEqual(1);
  });

  it('takes single pixels of a larger picture as Pillow does', async () => {
    const row = picture(1, [0, 20, 40, 60, 80, 100, 120, 140, 160]);
    expect(await prepared(row, { width: 2, interpolation: 'nearest' })).toEqual([40, 120]);
  });

  it('fills the bars of a letterbox, and crops the middle', async () => {
    const wide = picture(1, [10, 20, 30, 40]);
    const own = { height: 4, width: 4, fill: 99 };
    const rows = await prepared(wide, { ...own, resize: 'letterbox' });
    expect([rows.slice(0, 4), rows.slice(12)]).toEqual([new Array(4).fill(99), new Array(4).fill(99)]);
    expect(rows).toEqual(expect.arrayContaining([10, 20, 30, 40]));
    expect(await prepared(wide, { height: 1, width: 2, resize: 'crop' })).toEqual([20, 30]);
  });

  it('takes pictures of extreme shapes, and of one pixel', async () => {
    for (const resize of ['squash', 'letterbox', 'crop'] as const)
      for (const name of ['grey-1x1.png', 'grey-1x300.png', 'grey-300x1.png']) {
        const { data, info } = await sharp(goldenPictureFile(name))
          .greyscale()
          .raw()
          .toBuffer({ resolveWithObject: true });
        const values = await prepareAsDescribed(
          { width: info.width, height: info.height, channels: 1, pixels: data },
          { ...form, resize },
        );
        expect(values).toHaveLength(64);
      }
  });
});

describe('an activation map', () => {
  const file = (name: string) => readFileSync(shipped('testkit', 'onnx', `${name}.onnx`));

  it.each([
    ['keras', 'output_0', 8, 4],
    ['pytorch', 'logits', 8, 3],
  ])('is found in what %s exports', (name, output, inputs, outputs) => {
    expect(pooledHeadOf(file(name), output)).toMatchObject({ layout: 'NCHW', inputs, outputs });
  });

  it('is not there where more than an average and a linear layer make the scores', async () => {
    // ConvNeXt has a normalisation between them.
    expect(pooledHeadOf(file('timm'), 'logits')).toBeUndefined();
    const { map } = await run(shipped('testkit', 'onnx', 'timm.onnx'));
    expect(await map(goldenPictureFile('grey.png'), 1)).toMatchObject({ method: 'occlusion' });
  });

  it('is not there either for a frozen graph whose head is not linear: that has parts hidden', async () => {
    const graph = join(folder, 'bent.pb');
    const bent = edited('keras', (nodes) => {
      const softmaxNode = find(nodes, ({ op }) => op === 'Softmax');
      const [before = ''] = softmaxNode.input;
      nodes.push({ name: 'bent', op: 'Relu', input: [before], attr: {} });
      softmaxNode.input = ['bent'];
    });
    await writeFile(graph, bent);
    await writeFile(join(folder, 'classes.txt'), 'a\nb\nc\nd\ne\n');
    const size = { inputHeight: goldenSize.height, inputWidth: goldenSize.width };
    const { map } = await run(graph, { ...size, engine: 'onnxruntime' });
    expect(await map(goldenPictureFile('rgb.png'), 0)).toMatchObject({ method: 'occlusion' });
  });

  const head = {
    features: 'f',
    layout: 'NHWC' as const,
    inputs: 2,
    outputs: 2,
    weights: Float32Array.of(1, -1, 0, 1),
    bias: Float32Array.of(0.5, 0),
  };
  const features = { values: Float32Array.of(4, 0, 0, 2, 0, 0, 0, 2), height: 2, width: 2 };

  it('is what each position adds to the logit', () => {
    // The means are 1 and 1, so the logits are 1.5 and 0.
    const scores = softmax([1.5, 0]);
    expect(activationOf(head, features, scores, 0)).toEqual(Float32Array.of(4, 0, 0, 0));
    expect(activationOf(head, features, scores, 1)).toEqual(Float32Array.of(-4, 2, 0, 2));
    const turned = { ...features, values: Float32Array.of(4, 0, 0, 0, 0, 2, 0, 2) };
    expect(activationOf({ ...head, layout: 'NCHW' }, turned, scores, 1)).toEqual(
      Float32Array.of(-4, 2, 0, 2),
    );
  });

  it('is given up where the scores do not follow from it', () => {
    expect(activationOf(head, features, softmax([1.4, 0]), 0)).toBeUndefined();
    expect(activationOf(head, { ...features, height: 3 }, softmax([1.5, 0]), 0)).toBeUndefined();
  });

  it('lies over the whole picture, of which the network sees the middle, or which has bars around it', () => {
    const map = Float32Array.of(1, 2, 3, 4);
    const size = { height: 2, width: 2 };
    const input = { height: 8, width: 8 };
    const wide = overPicture(map, size, input, { left: -4, top: 0, height: 8, width: 16 });
    expect(wide).toEqual({ rows: 2, columns: 4, values: Float32Array.of(0, 1, 2, 0, 0, 3, 4, 0) });
    const barred = overPicture(map, size, input, { left: 0, top: 2, height: 4, width: 8 });
    expect(barred).toEqual({ rows: 1, columns: 2, values: Float32Array.of(3, 4) });
  });
});

describe('a map by hiding parts', () => {
  /** A network whose score for class 0 is the mean of one column of the input. */
  const columnOf = (column: number) => async (pictures: Float32Array) => {
    const scores: number[] = [];
    for (let i = 0; i < pictures.length; i += 64) {
      const values = Array.from({ length: 8 }, (_, y) => pictures[i + y * 8 + column] ?? 0);
      const mean = values.reduce((a, b) => a + b, 0) / 8;
      scores.push(mean, 1 - mean);
    }
    return Float32Array.from(scores);
  };
  const input = Float32Array.from({ length: 64 }, (_, i) => (i % 8 === 3 ? 0.9 : 0.1));
  const occluded = { input, height: 8, width: 8, channels: 1, layout: 'NCHW' as const };

  it('has its peak where the network looks', async () => {
    const placement = { left: 0, top: 0, height: 8, width: 8 };
    const { values, columns } = await occlusionMap({ ...occluded, placement }, 0, columnOf(3));
    const sums = Array.from({ length: columns }, (_, x) =>
      values.filter((_, i) => i % columns === x).reduce((a, b) => a + b, 0),
    );
    const peak = (sums.indexOf(Math.max(...sums)) + 0.5) / columns;
    expect(Math.abs(peak - 3.5 / 8)).toBeLessThan(0.1);
    expect(Math.min(...sums)).toBe(0);
  });

  it('lies over the whole picture where the network sees its middle alone', async () => {
    const placement = { left: -12, top: 0, height: 8, width: 32 };
    const { values, columns } = await occlusionMap({ ...occluded, placement }, 0, columnOf(3));
    const sums = Array.from({ length: columns }, (_, x) =>
      values.filter((_, i) => i % columns === x).reduce((a, b) => a + b, 0),
    );
    const peak = (sums.indexOf(Math.max(...sums)) + 0.5) / columns;
    expect(Math.abs(peak - 15.5 / 32)).toBeLessThan(0.1);
    expect([sums[0], sums.at(-1)]).toEqual([0, 0]);
  });

  it('is refused where the network is too slow for one, and says why', async () => {
    const now = performance.now;
    let clock = 0;
    performance.now = () => clock;
    try {
      const slow = async (pictures: Float32Array) => {
        clock += 5000;
        return columnOf(3)(pictures);
      };
      const placement = { left: 0, top: 0, height: 8, width: 8 };
      await expect(occlusionMap({ ...occluded, placement }, 0, slow)).rejects.toMatchObject({
        code: 'explanation_unavailable',
        message: expect.stringContaining('5.0 s'),
      });
    } finally {
      performance.now = now;
    }
  });
});
