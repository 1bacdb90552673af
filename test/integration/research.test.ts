import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { parquetReadObjects } from 'hyparquet';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClassifier } from '../../src/classify/classifier.js';
import { loadConfig } from '../../src/config/load.js';
import { shipped } from '../../src/files/places.js';
import { classifierOptions } from '../../src/networks/classifier-options.js';
import { cliFile } from '../../testkit/cli.js';
import { radiograph, uid } from '../../testkit/dicom.js';
import { useOrthanc } from '../../testkit/orthanc.js';
import { python } from '../../testkit/python.js';
import { Reader, startTestService } from '../../testkit/service.js';

const hasNotebooks =
  spawnSync(python(), ['-c', 'import pandas, pyarrow, matplotlib, nbclient, ipykernel']).status === 0;

const real = useOrthanc();
let folder: string;
/** The document's commands, in order. */
let commands: string[];

/** A picture, and what a person says of it: `other` is none of the categories. */
const pictures = [
  ['chest_composite.png', 'chest_pa_ap'],
  ['chest_composite_2.png', 'chest_pa_ap'],
  ['chest_part.png', 'chest_lateral'],
  ['test_pattern.png', 'other'],
] as const;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'research-'));
  const document = await readFile(shipped('docs', 'research.md'), 'utf8');
  commands = [...document.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) => block);
  await writeFile(join(folder, 'plainview'), `#!/bin/sh\nexec "${process.execPath}" "${cliFile}" "$@"\n`, {
    mode: 0o755,
  });
  await copyFile(shipped('docs', 'research.ipynb'), join(folder, 'research.ipynb'));
  await decide();
});
afterAll(() => rm(folder, { recursive: true }));

/** Each picture is decided by the service with its own network, and then by a person. */
async function decide(): Promise<void> {
  const classifier = await createClassifier(classifierOptions(loadConfig({ PLAINVIEW_WORKERS: '1' })));
  const service = await startTestService({ orthanc: real.orthanc.url, classifier, fromStart: true });
  const reader = new Reader(real.orthanc.url);
  try {
    const ids = [];
    for (const [name] of pictures) {
      const { data, info } = await sharp(shipped('samples', name))
        .resize(160)
        .toColourspace('b-w')
        .raw()
        .toBuffer({ resolveWithObject: true });
      const file = radiograph(
        { width: info.width, height: info.height, grey: data },
        { patientId: name, patientName: 'SECRET^NAME', studyInstanceUid: uid(`research ${name}`) },
      );
      ids.push((await real.storeInstance(file)).orthancId);
    }
    for (const id of ids) await reader.decided(id);
    await service.stop();
    for (const [i, id] of ids.entries()) {
      const said = pictures[i]?.[1];
      const record = await reader.record(id);
      const decision =
        said === 'other'
          ? { decision: 'unknown_view', category: undefined }
          : { decision: 'category', category: said };
      await reader.put(
        `instances/${id}`,
        'Radiograph',
        JSON.stringify({ ...record, ...decision, who: 'person', before: record }),
      );
    }
  } finally {
    await service.stop();
    await classifier.close();
  }
}

async function run(script: string): Promise<string> {
  const text = script.replace('http://localhost:8042', real.orthanc.url);
  const path = [folder, dirname(python()), process.env.PATH].join(delimiter);
  const shell = spawn('sh', ['-eux', '-c', text], { cwd: folder, env: { PATH: path, HOME: folder } });
  let out = '';
  for (const stream of [shell.stdout, shell.stderr])
    stream.on('data', (chunk) => {
      out += chunk;
    });
  const [status] = await once(shell, 'close');
  expect([status, out]).toEqual([0, out]);
  return out;
}

const readParquet = async () =>
  parquetReadObjects({ file: new Uint8Array(await readFile(join(folder, 'decided.parquet'))).buffer });
const isNotebook = (block: string) => block.includes('jupyter');

test('every command of docs/research.md runs, and gives the figures of the pictures', async () => {
  const out = await run(commands.filter((block) => !isNotebook(block)).join('\n'));
  expect(out).toContain('4 pictures, 0 of them from an earlier export; 0 failed');
  const decided = await readParquet();
  expect(decided).toHaveLength(4);
  expect(decided[0]).toMatchObject({
    who: 'person',
    Manufacturer: 'Plainview test fixtures',
    PatientAge: null,
  });
  const { figures } = JSON.parse(await readFile(join(folder, 'figures.json'), 'utf8')).evaluations[0];
  expect(figures).toMatchObject({ accuracy: { count: 2, of: 3 }, otherCaught: { count: 1, of: 1 } });
  expect(figures.categories).toContainEqual(
    expect.objectContaining({
      category: 'chest_pa_ap',
      sensitivity: expect.objectContaining({ count: 2, of: 2 }),
    }),
  );
  const { confusion } = figures;
  const lateral = confusion.counts[confusion.rows.indexOf('chest_lateral')];
  // A part of a frontal chest, which a person called a lateral one: the network says something else.
  expect(lateral.reduce((sum: number, count: number) => sum + count)).toBe(1);
  expect(lateral[confusion.columns.indexOf('chest_lateral')]).toBe(0);
  const sample = await readFile(join(folder, 'sample', 'labels.csv'), 'utf8');
  const rows = parse(sample, { columns: true }) as Record<string, string>[];
  // Found by the label in Orthanc, which the service gave those of whose category it was sure.
  expect(rows.map(({ label, who }) => [label, who])).toEqual([
    ['chest_pa_ap', 'person'],
    ['chest_pa_ap', 'person'],
  ]);
  for (const name of [
    'reference/labels.csv',
    'sample/labels.csv',
    'sample.tsv',
    'figures.json',
    'report.html',
  ])
    expect(await readFile(join(folder, name), 'utf8')).not.toContain('SECRET');
});

test('a file has the category and the score that the service gave its instance', async () => {
  const lines = (await readFile(join(folder, 'scores.jsonl'), 'utf8')).trim().split('\n');
  const ofFile = lines
    .map((line) => JSON.parse(line))
    .map(({ path, category, score }) => [/([^/]+)\.dcm$/.exec(path)?.[1], category, score]);
  const ofService = (await readParquet()).map(({ sop_instance_uid: id, best, score }) => [id, best, score]);
  expect(ofFile.sort()).toEqual(ofService.sort());
  console.info(ofService.map((each) => each.slice(1).join(' ')).join(', '));
});

test('the notebook has no outputs', async () => {
  const { cells } = JSON.parse(await readFile(shipped('docs', 'research.ipynb'), 'utf8'));
  expect(cells.filter(({ outputs }: { outputs?: unknown[] }) => (outputs ?? []).length > 0)).toEqual([]);
});

test.skipIf(!hasNotebooks)(
  'the notebook makes the table and the chart (skipped without pandas, pyarrow, matplotlib, nbclient and ipykernel)',
  async () => {
    await run(commands.filter(isNotebook).join('\n'));
    const { cells } = JSON.parse(await readFile(join(folder, 'research.ipynb'), 'utf8'));
    const outputs = JSON.stringify(cells.flatMap((cell: { outputs?: unknown[] }) => cell.outputs ?? []));
    expect(outputs).toMatch(/chest_pa_ap[\s\S]*100\.0 \(34\.2–100\.0\)/);
    expect(outputs).toContain('accuracy 66.7 (20.8–93.9) of 3');
    expect(outputs).toContain('image/png');
  },
);
