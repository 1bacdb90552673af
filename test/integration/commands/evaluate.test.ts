import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { brightnessOnnx } from '../../../testkit/classify/brightness-onnx.js';
import { runPlainview } from '../../../testkit/cli.js';
import { image, instance } from '../../../testkit/dicom.js';
import { brightnessNetwork, writeGrey } from '../../../testkit/evaluate.js';

const proportion = z.object({ count: z.number(), of: z.number() });
const report = z.object({
  data: z.object({ unread: z.array(z.object({ id: z.string(), code: z.string() })) }),
  evaluations: z.array(
    z.object({
      network: z.object({
        name: z.string(),
        sha256: z.string(),
        thresholds: z.object({ threshold: z.number() }),
      }),
      figures: z.object({
        accuracy: proportion,
        labelled: proportion,
        rightOfLabelled: proportion,
        otherCaught: proportion,
        categories: z.array(
          z.object({
            category: z.string(),
            n: z.number(),
            sensitivity: proportion,
            ppvWithOther: proportion,
          }),
        ),
        groups: z.array(z.object({ group: z.string(), accuracy: proportion })),
      }),
      worst: z.array(z.object({ picture: z.object({ id: z.string() }) })),
      warnings: z.array(z.string()),
    }),
  ),
  comparison: z
    .object({
      best: z.object({ n: z.number(), both: z.number(), onlyFirst: z.number(), onlySecond: z.number() }),
      splits: z.array(z.object({ first: z.object({ picture: z.object({ id: z.string() }) }) })),
    })
    .optional(),
});

let folder: string;
let network: string;

/** Black pictures are knees, white ones chests; one of each is labelled as the other, and one is broken. */
const rows = [
  ['black1.png', 'knee_ap', 'a'],
  ['black2.png', 'knee_ap', 'b'],
  ['white1.png', 'chest_pa_ap', 'a'],
  ['white2.png', 'chest_pa_ap', 'a'],
  ['black3.png', 'chest_pa_ap', 'b'],
  ['white3.png', 'skull', 'b'],
];
const csv = (table: readonly (readonly string[])[], header = 'file,label,site') =>
  [header, ...table.map((row) => row.join(','))].join('\n');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evaluate-'));
  network = await brightnessNetwork(join(folder, 'network'), 'knee_ap', 'chest_pa_ap');
  for (const [name = ''] of rows) await writeGrey(join(folder, name), name.startsWith('black') ? 0 : 255);
  await writeFile(join(folder, 'labels.csv'), csv(rows));
});
afterAll(() => rm(folder, { recursive: true }));

const inFolder = (name: string) => join(folder, name);
async function evaluate(labels: string, ...args: string[]) {
  const json = inFolder('report.json');
  await rm(json, { force: true });
  const run = await runPlainview(['evaluate', labels, '--network', network, '--json', json, ...args]);
  const text = await readFile(json, 'utf8').catch(() => undefined);
  return { ...run, report: text === undefined ? undefined : report.parse(JSON.parse(text)) };
}

describe('plainview evaluate', () => {
  it('measures an ONNX network, by the names of its input and output, against a frozen graph', async () => {
    const onnx = await brightnessOnnx(folder, 'light', ['chest_pa_ap', 'knee_ap', 'other']);
    const layers = ['--input_layer', 'input', '--output_layer', 'scores'];
    const args = ['--network', onnx, ...layers, '--against', network];
    const { status, report } = await evaluate(inFolder('labels.csv'), ...args);
    expect(status).toBe(0);
    expect(report?.evaluations.map(({ figures }) => figures.accuracy)).toEqual(
      [
        { count: 4, of: 5 },
        { count: 4, of: 5 },
      ].map((share) => expect.objectContaining(share)),
    );
  });

  it('measures a network on a labels file', async () => {
    const { status, stdout, report } = await evaluate(inFolder('labels.csv'), '--by', 'site');
    expect(status).toBe(0);
    expect(report?.evaluations).toMatchObject([
      {
        network: { name: 'brightness', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
        figures: {
          accuracy: { count: 4, of: 5 },
          otherCaught: { count: 0, of: 1 },
          groups: [
            { group: 'a', accuracy: { count: 3, of: 3 } },
            { group: 'b', accuracy: { count: 1, of: 2 } },
          ],
        },
        worst: [{ picture: { id: 'white3.png' } }, { picture: { id: 'black3.png' } }],
      },
    ]);
    expect(stdout).toMatch(/accuracy +80\.0 +37\.6–96\.4 +4 of 5/);
    expect(stdout).toMatch(/1 +chest_pa_ap → knee_ap/);
  });

  it('finds the labels file in a folder, and says the same of one folder for each category', async () => {
    const named = await evaluate(folder);
    const folders = inFolder('folders');
    for (const [name = '', label = ''] of rows) {
      await mkdir(join(folders, label, 'deeper'), { recursive: true });
      await writeFile(join(folders, label, 'deeper', name), await readFile(inFolder(name)));
    }
    await writeFile(join(folders, 'README.txt'), 'no picture');
    await writeGrey(join(folders, 'loose.png'), 0);
    const { report, stdout } = await evaluate(folders);
    expect(report?.evaluations[0]?.figures).toEqual(named.report?.evaluations[0]?.figures);
    expect(stdout).toContain('1 files lie in no category');
    expect(stdout).toContain('left out: files that are no pictures (1)');
    const here = await runPlainview(['evaluate', '.', '--network', network], { cwd: folders });
    expect(here).toMatchObject({ status: 0, stdout: expect.stringContaining('4 of 5') });
  });

  it('reads DICOM files, in folders of categories and by a labels file', async () => {
    const dicom = inFolder('dicom');
    for (const [label, level] of [
      ['knee_ap', 0],
      ['chest_pa_ap', 255],
    ] as const) {
      const pixels = Uint8Array.from({ length: 24 * 16 }, (_, i) => (i % 8 === 0 ? 128 : level));
      await mkdir(join(dicom, label), { recursive: true });
      await writeFile(join(dicom, label, 'IM0001'), image({ rows: 16, columns: 24, bitsStored: 8, pixels }));
    }
    await writeFile(join(dicom, 'knee_ap', 'report'), instance({ modality: 'SR' }));
    const html = inFolder('dicom.html');
    const { status, report, stdout } = await evaluate(dicom, '--html', html, '--worst', '1');
    expect(status).toBe(0);
    expect(report?.evaluations).toMatchObject([{ figures: { accuracy: { count: 2, of: 2 } } }]);
    expect(stdout).toContain('2 of 2 pictures are of a format that label_image.py does not read');
    await writeFile(join(dicom, 'labels.csv'), csv([['knee_ap/IM0001', 'chest_pa_ap', 'a']]));
    const wrong = await evaluate(join(dicom, 'labels.csv'), '--html', html);
    expect(wrong.report?.evaluations).toMatchObject([{ figures: { accuracy: { count: 0, of: 1 } } }]);
    expect(await readFile(html, 'utf8')).toContain('<img src="data:image/jpeg;base64,');
  });

  it('takes other columns, and a site’s own names by a map', async () => {
    const own = [
      ['1', 'Knie a.p.', 'black1.png'],
      ['2', 'Thorax', 'white1.png'],
      ['3', 'Schädel', 'white2.png'],
    ];
    await writeFile(
      inFolder('own.tsv'),
      ['nr\tprojection\tpath', ...own.map((row) => row.join('\t'))].join('\n'),
    );
    await writeFile(
      inFolder('map.csv'),
      'label,category\nKnie a.p.,knee_ap\nThorax,chest_pa_ap\nSchädel,other\n',
    );
    const columns = ['--file-column', 'path', '--label-column', 'projection', '--map', inFolder('map.csv')];
    const { report } = await evaluate(inFolder('own.tsv'), ...columns);
    expect(report?.evaluations).toMatchObject([
      { figures: { accuracy: { count: 2, of: 2 }, otherCaught: { of: 1 } } },
    ]);
    expect(report?.evaluations[0]?.warnings.join()).not.toContain('--map');
  });

  it('decides by the thresholds given', async () => {
    const { report } = await evaluate(inFolder('labels.csv'), '--threshold', '0.97', '--margin', '0');
    expect(report?.evaluations).toMatchObject([
      // Black is known at 0.95 only.
      { network: { thresholds: { threshold: 0.97 } }, figures: { labelled: { count: 2, of: 5 } } },
    ]);
  });

  it('names labels that the network does not have, and counts them as none of its categories', async () => {
    const { report, stdout } = await evaluate(inFolder('labels.csv'));
    expect(report?.evaluations[0]?.warnings.join()).toContain('skull (1)');
    expect(stdout).toContain('skull (1)');
  });

  it('writes a page with the worst errors, without their pictures where that is wanted', async () => {
    const html = inFolder('report.html');
    await evaluate(inFolder('labels.csv'), '--html', html);
    const text = await readFile(html, 'utf8');
    expect(text.match(/<img src="data:image\/jpeg;base64,/g)).toHaveLength(2);
    await evaluate(inFolder('labels.csv'), '--html', html, '--no-thumbnails', '--worst', '1');
    const plain = await readFile(html, 'utf8');
    expect(plain).not.toContain('<img');
    expect(plain).toContain('white3.png');
    expect(plain).not.toContain('black3.png');
  });

  it('names what it cannot read, counts it for nothing, and ends with 1', async () => {
    await writeFile(inFolder('broken.png'), 'no picture');
    const some = [
      ...rows,
      ['broken.png', 'knee_ap', 'a'],
      ['missing.png', 'knee_ap', 'a'],
      ['network', 'knee_ap', 'a'],
    ];
    await writeFile(inFolder('some.csv'), csv(some));
    const { status, stderr, stdout, report } = await evaluate(inFolder('some.csv'));
    expect(status).toBe(1);
    expect(stderr).toMatch(/^broken\.png: .*decoded/m);
    expect(stderr).toMatch(/^missing\.png: .*does not exist/m);
    expect(stderr).toMatch(/^network: .*is a folder/m);
    expect(stdout).toContain('3 of 9 pictures could not be read');
    expect(report?.data.unread.map(({ id }) => id)).toEqual(['broken.png', 'missing.png', 'network']);
    expect(report?.evaluations).toMatchObject([{ figures: { accuracy: { count: 4, of: 5 } } }]);
  });
});

describe('two networks', () => {
  /** Dark is a chest and bright a knee: wrong wherever the other is right. */
  const contrary = () => brightnessNetwork(join(folder, 'contrary'), 'chest_pa_ap', 'knee_ap', 2);

  it('are shown the same pictures and compared', async () => {
    const html = inFolder('two.html');
    const { status, stdout, report } = await evaluate(
      inFolder('labels.csv'),
      '--against',
      await contrary(),
      '--html',
      html,
    );
    expect(status).toBe(0);
    expect(report?.evaluations.map(({ figures }) => figures.accuracy)).toMatchObject([
      { count: 4, of: 5 },
      { count: 1, of: 5 },
    ]);
    expect(report?.comparison).toMatchObject({ best: { n: 5, both: 0, onlyFirst: 4, onlySecond: 1 } });
    // Two-sided binomial of 1 in 5: 2 (1 + 5) / 32.
    expect(stdout).toMatch(/nothing held back +5 +80\.0 +20\.0 .* 4 +1 +0\.3750 /);
    const page = await readFile(html, 'utf8');
    expect(page).toContain('Where only one is right');
    // Both have the name of their file: their hashes tell them apart.
    const hashes = report?.evaluations.map(({ network }) => network.sha256.slice(0, 8)) ?? [];
    for (const hash of hashes) expect(page).toContain(`brightness (${hash})`);
  });

  it('must be two', async () => {
    const run = await evaluate(inFolder('labels.csv'), '--against', network);
    expect(run).toMatchObject({ status: 2, report: undefined });
    expect(run.stderr).toMatch(/same network again/);
  });

  it('can be one ONNX file that is described in two ways', async () => {
    const names = ['knee_ap', 'chest_pa_ap', 'other'] as const;
    const one = await brightnessOnnx(folder, 'whole', names);
    const other = await brightnessOnnx(folder, 'inverse', names, {
      input: { size: 8, range: [1, -1], resize: 'squash' },
    });
    const { status, report } = await evaluate(inFolder('labels.csv'), '--network', one, '--against', other);
    expect(status).toBe(0);
    expect(report?.evaluations.map(({ network }) => network.name)).toEqual(['whole', 'inverse']);
  });
});

describe('what cannot be evaluated', () => {
  it.each([
    ['no pictures', 'file,label\n', /names no pictures/],
    ['labels in other words', 'file,label\nblack1.png,Knie\n', /labels \(Knie\).*--map/],
    ['only what cannot be read', 'file,label\nno.png,knee_ap\n', /none of the 1 pictures can be read/],
  ])('%s: says so and writes nothing', async (_, content, sentence) => {
    await writeFile(inFolder('bad.csv'), content);
    const before = await readdir(folder);
    const run = await evaluate(inFolder('bad.csv'));
    expect(run).toMatchObject({ status: 1, stdout: '', report: undefined });
    expect(run.stderr).toMatch(sentence);
    expect(run.stderr).not.toContain('    at ');
    expect((await readdir(folder)).filter((name) => name !== 'report.json')).toEqual(
      before.filter((name) => name !== 'report.json'),
    );
  });

  it('an empty folder, or one that holds pictures in no folders', async () => {
    const loose = inFolder('loose');
    await mkdir(loose, { recursive: true });
    expect(await evaluate(loose)).toMatchObject({ status: 1, stdout: '', report: undefined });
    await writeGrey(join(loose, 'one.png'), 0);
    const run = await evaluate(loose);
    expect(run).toMatchObject({ status: 1, stdout: '', report: undefined });
    expect(run.stderr).toMatch(/names no pictures/);
  });

  it.each([
    [
      'a category that no network has',
      'label,category\nskull,head\n',
      /line 2, column "category": "head" is no/,
    ],
    [
      'a label twice',
      'label,category\nskull,other\nskull,knee_ap\n',
      /line 3, column "label": "skull" is mapped/,
    ],
    ['no header', 'skull,other\n', /line 1: there is no column "label"/],
  ])('a map with %s', async (_, content, sentence) => {
    await writeFile(inFolder('bad-map.csv'), content);
    const run = await evaluate(inFolder('labels.csv'), '--map', inFolder('bad-map.csv'));
    expect(run).toMatchObject({ status: 2, report: undefined });
    expect(run.stderr).toMatch(sentence);
  });

  it('a second network that is not there', async () => {
    const against = ['--against', '/nowhere/network.pb'];
    const { status, stderr } = await runPlainview(['evaluate', inFolder('labels.csv'), ...against]);
    expect(status).not.toBe(0);
    expect(stderr).not.toContain('    at ');
  });
});
