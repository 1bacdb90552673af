import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readGraphDef } from '../../../src/classify/graph/graphdef.js';
import { runReference } from '../../../src/classify/graph/reference.js';
import { walk } from '../../../src/classify/graph/walk.js';
import { decode } from '../../../src/classify/prepare/decode.js';
import { prepare } from '../../../src/classify/prepare/resize.js';
import { shipped } from '../../../src/files/places.js';
import { goldenGraph } from '../../../testkit/classify/graphs.js';
import { goldenPictureFile } from '../../../testkit/classify/pictures.js';
import { plainview, runPlainview } from '../../../testkit/cli.js';
import { image, instance } from '../../../testkit/dicom.js';

const picture = (name: string) => shipped('testkit', 'golden', 'pictures', name);
const graphFile = shipped('testkit', 'golden', 'networks', 'keras.pb');
const classes = ['elbow_ap', 'hand_ap', 'knee_ap', 'wrist_ap', 'chest_pa_ap'];

let folder: string;
let labels: string;
/** A network of 24 × 24 pixels, whose scores the reference implementation computes quickly. */
let network: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'label-'));
  labels = join(folder, 'classes.txt');
  await writeFile(labels, `${classes.join('\n')}\n`);
  const sizes = ['--input_height', '24', '--input_width', '24'];
  network = ['--graph', graphFile, '--labels', labels, ...sizes, '--engine', 'onnxruntime', '--workers', '1'];
});
afterAll(() => rm(folder, { recursive: true }));

const size = { height: 24, width: 24 };
async function best(name: string, mean = 128, std = 128): Promise<{ category: string; score: number }> {
  const steps = walk(readGraphDef(goldenGraph('keras')), {
    inputLayer: 'input',
    outputLayer: 'final_result',
  });
  const input = prepare(await decode(goldenPictureFile(name), 1), { ...size, mean, std });
  const scores = runReference(steps, input, size);
  const index = scores.indexOf(Math.max(...scores));
  return { category: classes[index] ?? '', score: scores[index] ?? 0 };
}

async function writeFiles(under: string, files: Record<string, Buffer | string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(under, path)), { recursive: true });
    await writeFile(join(under, path), content);
  }
}

const jsonLines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => z.looseObject({ path: z.string() }).parse(JSON.parse(line)));

describe('plainview label', () => {
  it('prints the line of label_image.py for each picture, in the order given', async () => {
    const names = ['rgb.png', 'grey.jpg', 'palette.gif', 'grey-16.pam', 'grey-large.png', 'grey.png'];
    const { status, stdout, stderr } = await runPlainview(['label', ...network, ...names.map(picture)]);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(names.length);
    for (const [i, name] of names.entries()) {
      const [path, category, score, seconds] = lines[i]?.split(' \t ') ?? [];
      const expected = await best(name);
      expect({ path, category }).toEqual({ path: picture(name), category: expected.category });
      expect(score).toMatch(/^\d\.\d{5}$/);
      expect(Number(score)).toBeCloseTo(expected.score, 4);
      expect(seconds).toMatch(/^\d+\.\d\ds$/);
    }
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('takes mean and standard deviation as label_image.py does', async () => {
    const options = ['--input_mean', '0', '--input_std', '255'];
    const { stdout } = await runPlainview(['label', ...network, ...options, picture('rgb.png')]);
    const expected = await best('rgb.png', 0, 255);
    expect(stdout).toContain(` \t ${expected.category} \t `);
    expect(Number(stdout.split(' \t ')[2])).toBeCloseTo(expected.score, 4);
  });

  it('classifies with the embedded network by default', async () => {
    const { status, stdout } = await runPlainview(['label', '--json', picture('grey.png')]);
    expect(status).toBe(0);
    expect(jsonLines(stdout)[0]).toMatchObject({ network: { name: expect.stringContaining('plainview') } });
  });

  it('says with --json by how much a picture must be turned to be upright, and whether a chest is mirrored', async () => {
    const upright = shipped('samples', 'chest_composite.png');
    const turned = join(folder, 'turned.png');
    // A picture that was turned counter-clockwise must be turned clockwise.
    await sharp(upright).rotate(-90).png().toFile(turned);
    const mirrored = join(folder, 'mirrored.png');
    await sharp(upright).flop().png().toFile(mirrored);
    const { stdout } = await runPlainview(['label', '--json', upright, turned, mirrored]);
    expect(jsonLines(stdout)).toMatchObject([
      { orientation: { turned: 0, mirrored: false } },
      { orientation: { turned: 90, mirrored: false } },
      { orientation: { turned: 0, mirrored: true } },
    ]);
  });

  it('reads the side marker of a picture where PLAINVIEW_SIDE says so', async () => {
    const marked = join(folder, 'marked.png');
    const letter =
      '<path d="M0 0H90V110H0Z" fill="#222"/><path d="M25 20V90H65" stroke="#fff" stroke-width="11" fill="none"/>';
    const svg = Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="90" height="110">${letter}</svg>`,
    );
    const film = { create: { width: 1400, height: 2000, channels: 3 as const, background: '#555' } };
    await sharp(film)
      .composite([{ input: svg, left: 1200, top: 300 }])
      .png()
      .toFile(marked);
    const lines = async (env: NodeJS.ProcessEnv) =>
      jsonLines((await runPlainview(['label', '--json', marked], { env })).stdout);
    expect(await lines({ PLAINVIEW_SIDE: 'record' })).toMatchObject([{ side: { marked: 'L' } }]);
    expect((await lines({}))[0]).not.toHaveProperty('side');
  });

  it('prints one object per line with --json', async () => {
    const { stdout } = await runPlainview(['label', '--json', ...network, picture('rgb.png')]);
    const { category } = await best('rgb.png');
    expect(jsonLines(stdout)).toEqual([
      {
        path: picture('rgb.png'),
        category,
        score: expect.any(Number),
        decision: expect.stringMatching(/^(category|needs_review|unknown_view)$/),
        top: expect.arrayContaining(classes.map((name) => ({ category: name, score: expect.any(Number) }))),
        network: { name: 'keras', sha256: expect.stringMatching(/^[0-9a-f]{64}$/), purpose: 'unstated' },
        seconds: expect.any(Number),
      },
    ]);
  });

  it('runs an ONNX file as its description says, by the names of its input and output', async () => {
    const graph = ['--graph', shipped('testkit', 'onnx', 'keras.onnx'), '--workers', '1'];
    const named = ['--input_layer', 'keras_tensor', '--output_layer', 'output_0'];
    const { stdout } = await runPlainview(['label', '--json', ...graph, ...named, picture('rgb.png')]);
    expect(jsonLines(stdout)[0]).toMatchObject({ category: 'other', network: { name: 'keras-recipe' } });
  });

  it('decides by the thresholds given', async () => {
    const decisionWith = async (...options: string[]) =>
      jsonLines(
        (await runPlainview(['label', '--json', ...network, ...options, picture('rgb.png')])).stdout,
      )[0]?.decision;
    expect(await decisionWith('--threshold', '0', '--margin', '0', '--unknown_below', '0')).toBe('category');
    expect(await decisionWith('--threshold', '1', '--margin', '0', '--unknown_below', '0')).toBe(
      'needs_review',
    );
    expect(await decisionWith('--threshold', '1', '--margin', '0', '--unknown_below', '1')).toBe(
      'unknown_view',
    );
  });

  it('shows the requested number of best categories', async () => {
    const { stdout } = await runPlainview(['label', ...network, '--top', '3', picture('rgb.png')]);
    const scores = stdout
      .trim()
      .split('\n')
      .map((line) => Number(line.split(' \t ')[2]));
    expect(scores).toHaveLength(3);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    const json = await runPlainview(['label', '--json', ...network, '--top', '2', picture('rgb.png')]);
    expect(jsonLines(json.stdout)[0]?.top).toHaveLength(2);
  });

  it('reads hundreds of paths from standard input, and keeps their order', async () => {
    const paths = Array.from({ length: 300 }, (_, i) =>
      picture(i % 3 === 0 ? 'grey-large.png' : 'grey-1x1.png'),
    );
    const { status, stdout } = await runPlainview(['label', ...network, '-'], {
      stdin: `${paths.join('\n')}\n\n`,
    });
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' \t ')[0]),
    ).toEqual(paths);
    expect(status).toBe(0);
  });
});

describe('what cannot be labelled', () => {
  it('gets its own line on standard error, does not stop others, and changes the exit status', async () => {
    const broken = join(folder, 'broken.png');
    await writeFile(broken, goldenPictureFile('grey.png').subarray(0, 300));
    const missing = join(folder, 'missing.png');
    const given = [picture('grey.png'), broken, missing, picture('rgb.png')];
    const { status, stdout, stderr } = await runPlainview(['label', ...network, ...given]);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' \t ')[0]),
    ).toEqual([given[0], given[3]]);
    const errors = stderr.trimEnd().split('\n');
    expect(errors).toHaveLength(2);
    for (const [i, path] of [broken, missing].entries())
      expect(errors[i]?.startsWith(`${path}: `)).toBe(true);
    expect(status).toBe(1);
  });

  it('gets an object of its own with --json', async () => {
    const missing = join(folder, 'missing.png');
    const { status, stdout } = await runPlainview([
      'label',
      '--json',
      ...network,
      missing,
      picture('grey.png'),
    ]);
    const [first, second] = jsonLines(stdout);
    expect(first).toEqual({ path: missing, error: { code: 'file_unreadable', message: expect.any(String) } });
    expect(second).toMatchObject({ path: picture('grey.png'), decision: expect.any(String) });
    expect(status).toBe(1);
  });

  it('also below a folder, where other files are left out and counted', async () => {
    const images = join(folder, 'images');
    const dicom = image({ rows: 64, columns: 64, modality: 'CR', window: { center: 2048, width: 4096 } });
    await writeFiles(images, {
      'a/IM0001': dicom,
      'a/b/broken.dcm': dicom.subarray(0, 900),
      'a/b/c.tiff': await sharp(goldenPictureFile('grey.png')).tiff({ compression: 'lzw' }).toBuffer(),
      'd.png': goldenPictureFile('grey.png'),
      'e/report.dcm': instance({ modality: 'SR' }),
      'e/slice': image({ modality: 'CT' }),
      'e/DICOMDIR': instance({ sopClassUid: '1.2.840.10008.1.3.10', attributes: { '0008,0060': 'absent' } }),
      'notes.txt': 'no picture',
      '.hidden.png': goldenPictureFile('grey.png'),
    });
    await symlink(images, join(images, 'loop'));
    const { status, stdout, stderr } = await runPlainview(['label', '--json', ...network, images]);
    const found = jsonLines(stdout);
    expect(found.map(({ path, format, error }) => [relative(images, path), format ?? error])).toEqual([
      ['a/IM0001', 'DICOM'],
      ['a/b/broken.dcm', expect.objectContaining({ code: 'picture_undecodable' })],
      ['a/b/c.tiff', 'TIFF'],
      ['d.png', undefined],
    ]);
    expect(found[2]).toMatchObject({ category: found[3]?.category, score: found[3]?.score });
    expect(stderr).toBe(
      '3 pictures, 1 failed; left out: DICOM files of other kinds than PLAINVIEW_MODALITIES names (3); files that are no pictures (2)\n' +
        '2 of 3 pictures are of a format that label_image.py does not read, so their scores have no counterpart there.\n',
    );
    expect(status).toBe(1);
    const empty = await runPlainview(['label', ...network, join(images, 'e')]);
    expect(empty).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('this folder holds no picture'),
    });
  });
});

describe('a wrong call', () => {
  it.each([
    ['a threshold beyond 1', ['--threshold', '80', 'a.png']],
    ['a graph that is none', ['--graph', picture('grey.png'), 'a.png']],
  ])('%s: reports it and ends with 2', async (_, args) => {
    const { status, stdout, stderr } = await runPlainview(['label', '--labels', labels, ...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).not.toBe('');
    expect(stderr).not.toContain('    at ');
  });
});

it('ends silently when the reader closes the pipe (`| head`)', async () => {
  const stdin = Array.from({ length: 400 }, () => picture('grey-1x1.png')).join('\n');
  const { status, stderr } = await runPlainview(['label', ...network, '-'], { stdin, readOnce: true });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

it('ends when the reader closes the pipe, also where more paths could come', {
  timeout: 60_000,
}, async () => {
  const { child, ended } = plainview(['label', ...network, '-'], {});
  child.stdout.once('data', () => child.stdout.destroy());
  child.stdin.write(`${picture('grey-1x1.png')}\n`.repeat(400));
  expect(await ended).toBe(0);
});
