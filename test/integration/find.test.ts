import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { parquetReadObjects } from 'hyparquet';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stubClassifier } from '../../testkit/classifier.js';
import { plainview } from '../../testkit/cli.js';
import { image, uid } from '../../testkit/dicom.js';
import { type StoredInstance, useOrthanc } from '../../testkit/orthanc.js';
import { hookAddress, Reader, startTestService, type TestService } from '../../testkit/service.js';

const hook = await hookAddress();
const real = useOrthanc({ hook });
const classifier = stubClassifier();
let service: TestService;
let folder: string;
let knee: StoredInstance;
let hand: StoredInstance;
let unsure: StoredInstance;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plainview-find-'));
  service = await startTestService({ orthanc: real.orthanc.url, hook, classifier });
  const reader = new Reader(real.orthanc.url);
  const store = async (category: string, score: number, attributes: Parameters<typeof image>[0]) => {
    classifier.answer = async () => ({ category, score });
    const stored = await real.storeInstance(image({ patientName: 'SECRET^NAME', ...attributes }));
    await reader.decided(stored.orthancId);
    return stored;
  };
  knee = await store('knee_ap', 0.99, {
    sopInstanceUid: uid('found knee'),
    attributes: {
      '0008,0020': ['DA', '20230505'],
      '0008,1010': ['SH', 'ROOM1'],
      '0018,0060': ['DS', '70.5'],
      '0010,1010': ['AS', '101Y'],
    },
  });
  hand = await store('hand_ap', 0.95, { attributes: { '0008,1010': ['SH', 'ROOM2'] } });
  unsure = await store('hand_ap', 0.5, {});
});
afterAll(async () => {
  await service?.stop();
  await rm(folder, { recursive: true });
});

/** @param args of the command; a list with variables of the environment after it may come first */
async function run(...args: (string | string[] | Record<string, string>)[]) {
  const env = args.find((each) => typeof each === 'object' && !Array.isArray(each)) ?? {};
  const words = args.flatMap((each) => (typeof each === 'string' || Array.isArray(each) ? each : []));
  const { ended, out } = plainview(['find', ...words], {
    PLAINVIEW_ORTHANC_URL: real.orthanc.url,
    ...(env as Record<string, string>),
  });
  const status = await ended;
  return { status, out: out() };
}

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

/** The identifiers that a call lists. */
async function listed(...args: string[]): Promise<string[]> {
  const csv = join(folder, `${Math.random()}.csv`);
  const { status, out } = await run(...args, '--csv', csv);
  expect([status, out]).toEqual([0, expect.stringMatching(/^\d+ found\n$/)]);
  const rows = parse(await readFile(csv), { columns: true }) as Record<string, string>[];
  return rows.map(({ instance = '' }) => instance).sort();
}

/** For many calls of the program in sequence. On a busy machine each takes seconds. */
const manyRuns = 240_000;

test('each condition finds the instances that match it, and all together those that match all', {
  timeout: manyRuns,
}, async () => {
  const [all, one] = [[knee, hand, unsure].map(({ orthancId }) => orthancId).sort(), [knee.orthancId]];
  expect(await listed('--category', 'knee_ap')).toEqual(one);
  const two = [knee, hand].map(({ orthancId }) => orthancId).sort();
  expect(await listed('--category', 'knee_*', '--category', 'hand_ap')).toEqual(two);
  expect(await listed('--from', '2023-01-01', '--to', '2023-12-31')).toEqual(one);
  expect(await listed('--station', 'ROOM1')).toEqual(one);
  expect(await listed('--min-score', '0.97')).toEqual(one);
  expect(await listed('--max-score', '0.9')).toEqual([unsure.orthancId]);
  expect(await listed('--decision', 'needs_review')).toEqual([unsure.orthancId]);
  expect(await listed('--network', 'stub')).toEqual(all);
  expect(await listed('--all')).toEqual(all);
  expect(await listed('--network', 'stub', '--station', 'ROOM2', '--min-score', '0.9')).toEqual([
    hand.orthancId,
  ]);
  expect(await listed('--category', 'knee_ap', '--station', 'ROOM2')).toEqual([]);
});

test('the list contains ids, decision and scores, and no patient data', async () => {
  const { out } = await run('--category', 'knee_ap');
  const [row] = parse(out.replace(/^\d+ found\n/m, ''), { columns: true }) as Record<string, string>[];
  expect(row).toMatchObject({
    category: 'knee_ap',
    decision: 'category',
    order: 'cannot_tell',
    who: 'network',
    network: 'stub',
    instance: knee.orthancId,
    series: knee.series,
    study: knee.study,
    sop_instance_uid: uid('found knee'),
  });
  expect(Number(row?.score)).toBeCloseTo(0.99);
  expect(out).not.toContain('SECRET');
});

const columns = ['--columns', 'KVP', 'PatientAge', 'StationName', 'PlateType'];

test('further columns; those that identify a person only where that is wanted', async () => {
  const { status, out } = await run('--category', 'knee_ap', ...columns);
  expect(status).toBe(0);
  const [found] = parse(out.replace(/^\d+ found\n/m, ''), { columns: true }) as Record<string, string>[];
  const shown = { KVP: '70.5', PatientAge: '090Y', StationName: 'ROOM1', PlateType: '' };
  expect(found).toMatchObject(shown);
  const identifying = ['--identifying', '--columns', 'PatientName', 'PatientAge'];
  expect((await run('--category', 'knee_ap', ...identifying)).out).toMatch(/,SECRET\^NAME,101Y$/m);
});

test('Parquet has the types of the columns, and null for what is missing', async () => {
  const file = join(folder, 'finds.parquet');
  expect(await run('--all', '--format', 'parquet', '--out', file, ...columns)).toEqual({
    status: 0,
    out: '3 found\n',
  });
  expect(await modeOf(file)).toBe(0o600);
  const bytes = await readFile(file);
  const rows = await parquetReadObjects({ file: new Uint8Array(bytes).buffer });
  const [found] = rows.filter(({ category }) => category === 'knee_ap');
  expect(found).toMatchObject({ KVP: 70.5, StationName: 'ROOM1', PlateType: null, instance: knee.orthancId });
  expect(found?.score).toBeCloseTo(0.99);
});

test('pictures under pseudonyms, with labels.csv; a second call fetches none again', async () => {
  const pictures = join(folder, 'pictures');
  const secret = { PLAINVIEW_SECRET: 'a secret of the site' };
  const args = ['--all', '--copy', pictures, '--as', 'png', '--columns', 'StationName', '--csv'];
  const first = await run(args, secret, join(folder, 'first.csv'));
  expect(first).toMatchObject({ status: 0, out: expect.stringContaining('3 pictures, 0 of them from an') });
  const table = await readFile(join(pictures, 'labels.csv'), 'utf8');
  const rows = parse(table, { columns: true }) as Record<string, string>[];
  expect(rows.map(({ label, who, StationName }) => [label, who, StationName]).sort()).toEqual([
    ['hand_ap', 'network', 'ROOM2'],
    ['knee_ap', 'network', 'ROOM1'],
    ['needs_review', 'network', ''],
  ]);
  for (const { file = '' } of rows)
    expect(await sharp(join(pictures, file)).metadata()).toMatchObject({ format: 'png', width: 64 });
  for (const text of ['SECRET', 'PLAINVIEW-TEST', knee.orthancId, knee.patient, uid('found knee')])
    expect(table).not.toContain(text);
  await rm(join(pictures, rows[0]?.file ?? ''));
  const again = await run(args, secret, join(folder, 'again.csv'));
  expect(again.out).toContain('3 pictures, 2 of them from an earlier export; 0 failed');
  expect(await readFile(join(pictures, 'labels.csv'), 'utf8')).toBe(table);
});

test('the report of what is recorded has the figures of a real Orthanc, and no patient data', async () => {
  const out = join(folder, 'report');
  const { ended, out: said } = plainview(['report', '--out', out], {
    PLAINVIEW_ORTHANC_URL: real.orthanc.url,
  });
  expect([await ended, said()]).toEqual([0, expect.stringMatching(/undecided +33\.3 +\(\d.*\) +1 of 3 /)]);
  const report = JSON.parse(await readFile(join(out, 'report.json'), 'utf8'));
  expect(report).toMatchObject({
    unread: 0,
    all: {
      radiographs: 3,
      figures: { withoutView: { count: 3, of: 3 }, undecided: { examples: [unsure.orthancId] } },
    },
  });
  const values = (dimension: string) => report.by[dimension].map(({ value }: { value: string }) => value);
  expect(values('station')).toEqual(['ROOM1', 'ROOM2', '(none)']);
  expect(values('month')).toContain('2023-05');
  for (const name of await readdir(out))
    expect(await readFile(join(out, name), 'utf8')).not.toContain('SECRET');
});

test('copies are in one folder per category; a second call continues and changes nothing', async () => {
  const copies = join(folder, 'copies');
  expect((await run('--network', 'stub', '--copy', copies)).status).toBe(0);
  expect((await readdir(copies)).sort()).toEqual(['hand_ap', 'knee_ap', 'needs_review']);
  const path = join(copies, 'knee_ap', `${uid('found knee')}.dcm`);
  const stored = await (await fetch(`${real.orthanc.url}/instances/${knee.orthancId}/file`)).arrayBuffer();
  expect((await readFile(path)).equals(Buffer.from(stored))).toBe(true);
  expect(await modeOf(path)).toBe(0o600);
  await writeFile(path, 'mine');
  expect((await run('--network', 'stub', '--copy', copies)).status).toBe(0);
  expect(await readFile(path, 'utf8')).toBe('mine');
});

const hasUnzip = spawnSync('unzip', ['-v']).error === undefined;
test.skipIf(!hasUnzip)('an archive contains a DICOMDIR and the files (skipped without unzip)', async () => {
  const file = join(folder, 'media.zip');
  expect(await run('--network', 'stub', '--dicomdir', file, '--csv', join(folder, 'm.csv'))).toEqual({
    status: 0,
    out: '3 found\n',
  });
  expect(await modeOf(file)).toBe(0o600);
  expect(await modeOf(join(folder, 'm.csv'))).toBe(0o600);
  const names = execFileSync('unzip', ['-Z1', file], { encoding: 'utf8' }).trim().split('\n');
  expect(names).toContain('DICOMDIR');
  expect(names.filter((name) => name.startsWith('IMAGES/'))).toHaveLength(3);
});

test('a category by another program that is not a valid folder name is ignored', async () => {
  const { orthancId } = await real.storeInstance(image({}));
  const reader = new Reader(real.orthanc.url);
  await reader.decided(orthancId);
  // The service may still read the storage in the change log, find no valid record, and decide again.
  await service.stop();
  const record = JSON.stringify({ ...(await reader.record(orthancId)), category: '../escaped' });
  await fetch(`${real.orthanc.url}/instances/${orthancId}/metadata/Radiograph`, {
    method: 'PUT',
    body: record,
  });
  expect(await reader.metadata(`instances/${orthancId}`, 'Radiograph')).toContain('escaped');
  expect(await listed('--all')).not.toContain(orthancId);
  expect((await run('--all', '--copy', join(folder, 'more'))).status).toBe(0);
  expect(await readdir(folder)).not.toContain('escaped');
  await fetch(`${real.orthanc.url}/instances/${orthancId}`, { method: 'DELETE' });
  service = await startTestService({ orthanc: real.orthanc.url, hook, classifier });
});

test('an invalid UID does not lead to a path outside the folder', async () => {
  const { orthancId } = await real.storeInstance(image({ sopInstanceUid: '../../../escaped' }));
  await new Reader(real.orthanc.url).decided(orthancId);
  const copies = join(folder, 'a', 'copies');
  expect((await run('--all', '--copy', copies)).status).toBe(0);
  const files = await readdir(folder, { recursive: true });
  expect(files.filter((name) => name.includes('escaped'))).toEqual([]);
  expect(files.filter((name) => name.endsWith(`/${orthancId}.dcm`))).toHaveLength(1);
  await fetch(`${real.orthanc.url}/instances/${orthancId}`, { method: 'DELETE' });
});

test('a call that fails names the reason and leaves no files', { timeout: manyRuns }, async () => {
  const there = join(folder, 'there.zip');
  await writeFile(there, 'mine');
  for (const [args, message] of [
    [['--category', 'knee_ap', '--dicomdir', there], 'there already'],
    [['--category', 'knee_ap', '--csv', there], 'there already'],
    [[], 'condition'],
    [['--from', 'yesterday'], 'from'],
    [['--category', 'no such/category'], 'category'],
    [['--category', 'knee_latera'], 'there is no category knee_latera; there are abdomen_ap, '],
    [['--min-score', '2'], 'between 0 and 1'],
    [['--decision', 'maybe'], 'Allowed choices'],
    [['--all', '--csv', join(folder, 'no', 'folder.csv')], 'The result cannot be written: ENOENT'],
    [['--all', '--dicomdir', join(folder, 'no', 'folder.zip')], 'The result cannot be written: ENOENT'],
    [['--all', '--copy', there, '--csv', join(folder, 'new.csv')], 'The result cannot be written: ENOTDIR'],
    [['--query', 'StaionName=1', '--csv', join(folder, 'new.csv')], 'no DICOM attribute StaionName'],
    [
      ['--all', '--columns', 'PatientNam', '--identifying', '--csv', join(folder, 'new.csv')],
      'no DICOM attribute PatientNam',
    ],
  ] as const) {
    const { status, out } = await run(...args);
    expect([args, status]).toEqual([args, 2]);
    expect(out).toContain(message);
    expect((await readdir(folder)).filter((name) => name.startsWith('new'))).toEqual([]);
  }
  expect(await readFile(there, 'utf8')).toBe('mine');
  const none = join(folder, 'none.zip');
  expect(await run('--category', 'pelvis_ap', '--dicomdir', none)).toMatchObject({ status: 0 });
  expect(existsSync(none)).toBe(false);
});
