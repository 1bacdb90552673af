import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plainview } from '../../testkit/cli.js';
import { image, uid } from '../../testkit/dicom.js';
import { brightnessNetwork, personsRecord } from '../../testkit/evaluate.js';
import { useOrthanc } from '../../testkit/orthanc.js';
import { Reader } from '../../testkit/service.js';

const real = useOrthanc();
const reader = () => new Reader(real.orthanc.url);
let folder: string;
const ids: string[] = [];
const name = 'SECRET^NAME';

const before = { ...personsRecord, who: undefined, decision: 'needs_review' };

const say = (id: string, decision: object) =>
  reader().put(`instances/${id}`, 'Radiograph', JSON.stringify({ ...personsRecord, before, ...decision }));

async function store(patientId: string, level: number, decision?: object, more = {}): Promise<string> {
  const pixels = Uint8Array.from({ length: 16 * 24 }, (_, i) => (i % 8 === 0 ? 128 : level));
  const { orthancId } = await real.storeInstance(
    image({
      rows: 16,
      columns: 24,
      bitsStored: 8,
      pixels,
      patientId,
      studyInstanceUid: uid(`exported of ${patientId}`),
      attributes: { '0010,0010': ['PN', name], ...more },
    }),
  );
  if (decision !== undefined) await say(orthancId, decision);
  return orthancId;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'export-corrections-'));
  ids.push(await store('one', 0, { category: 'knee_ap' }));
  ids.push(await store('one', 255, { category: 'chest_pa_ap' }, { '0028,0301': ['CS', 'YES'] }));
  ids.push(await store('two', 255, { decision: 'unknown_view' }));
  await store('two', 0, { category: 'knee_ap', who: 'network', before: undefined });
  await store('two', 0);
});
afterAll(() => rm(folder, { recursive: true }));

async function exportTo(
  to: string,
  env: Record<string, string> = { PLAINVIEW_SECRET: 'a secret of the site' },
  ...args: string[]
) {
  const run = plainview(['export-corrections', join(folder, to), ...args], {
    PLAINVIEW_ORTHANC_URL: real.orthanc.url,
    ...env,
  });
  const status = await run.ended;
  return { status, out: run.out() };
}
const table = async (of: string): Promise<string[][]> =>
  (await readFile(join(folder, of, 'labels.csv'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => line.split(','));

test('writes what people decided, under pseudonyms, without DICOM text, for the owner alone', async () => {
  const { status, out } = await exportTo('first');
  expect(status).toBe(0);
  expect(out).toContain('3 pictures, 0 of them from an earlier export; 0 failed');
  expect(out).toContain('1 pictures say that text is burned into them');
  const [head, ...rows] = await table('first');
  expect(head).toEqual(['file', 'label', 'patient', 'network_said', 'burned_in']);
  expect(rows.map((row) => row[1]).sort()).toEqual(['chest_pa_ap', 'knee_ap', 'other']);
  expect(rows.map((row) => row[3])).toEqual(['needs_review', 'needs_review', 'needs_review']);
  const patients = new Map(rows.map((row) => [row[1], row[2]]));
  expect(patients.get('knee_ap')).toBe(patients.get('chest_pa_ap'));
  expect(patients.get('other')).not.toBe(patients.get('knee_ap'));
  expect(rows.find((row) => row[1] === 'chest_pa_ap')?.[4]).toBe('YES');
  for (const [file = ''] of rows) {
    const path = join(folder, 'first', file);
    const metadata = await sharp(path).metadata();
    expect(metadata).toMatchObject({ format: 'png', width: 24, height: 16 });
    expect(metadata.exif ?? metadata.comments).toBeUndefined();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await readFile(path)).includes(name)).toBe(false);
  }
  const all = await readFile(join(folder, 'first', 'labels.csv'), 'utf8');
  for (const secret of [name, 'one', ...ids]) expect(all).not.toContain(secret);
});

test('a second call fetches only what is new, and no longer names what was undone; pseudonyms stay', async () => {
  await exportTo('again');
  const earlier = await table('again');
  const added = await store('three', 0, { category: 'knee_ap' });
  await say(ids[2] ?? '', { decision: 'needs_review', who: 'network', before: undefined });
  const { out } = await exportTo('again');
  expect(out).toContain('3 pictures, 2 of them from an earlier export');
  const now = await table('again');
  expect(now).toContainEqual(earlier.find((row) => row[1] === 'knee_ap'));
  expect(now.map((row) => row[1])).not.toContain('other');
  // Nothing is deleted: perhaps this call selects less than the one before.
  expect(await readdir(join(folder, 'again', 'images'))).toHaveLength(4);
  expect(out).toContain('1 other pictures of earlier exports');
  await fetch(`${real.orthanc.url}/instances/${added}`, { method: 'DELETE' });
  await say(ids[2] ?? '', { decision: 'unknown_view' });
});

test('another key makes other pseudonyms; without a key nothing is written', async () => {
  await exportTo('site');
  const key = join(folder, 'key');
  await writeFile(key, randomBytes(32));
  expect((await exportTo('other-site', {}, '--key-file', key)).status).toBe(0);
  const of = async (which: string) => (await table(which)).slice(1).flatMap((row) => [row[0], row[2]]);
  const site = new Set(await of('site'));
  expect((await of('other-site')).filter((pseudonym) => site.has(pseudonym))).toEqual([]);
  const none = await exportTo('no-key', {});
  expect(none.status).toBe(2);
  expect(none.out).toContain('PLAINVIEW_SECRET');
  await writeFile(key, 'short');
  expect((await exportTo('short', {}, '--key-file', key)).status).toBe(2);
  expect(await readdir(folder)).not.toContain('no-key');
});

test('does not replace a table of something else', async () => {
  const table = join(folder, 'theirs', 'labels.csv');
  await mkdir(join(folder, 'theirs'));
  await writeFile(table, 'file,label\na.png,knee_ap\n');
  const { status, out } = await exportTo('theirs');
  expect(status).toBe(2);
  expect(out).toContain('a table of something else');
  expect(await readFile(table, 'utf8')).toBe('file,label\na.png,knee_ap\n');
  expect(await readdir(join(folder, 'theirs'))).toEqual(['labels.csv']);
});

test('an export that was interrupted goes on', async () => {
  await exportTo('whole');
  const names = (await readdir(join(folder, 'whole', 'images'))).sort();
  await exportTo('cut');
  await rm(join(folder, 'cut', 'labels.csv'));
  await rm(join(folder, 'cut', 'images', names[0] ?? ''));
  expect((await exportTo('cut')).out).toContain('3 pictures, 2 of them from an earlier export');
  expect(await table('cut')).toEqual(await table('whole'));
});

test('evaluate reads it', async () => {
  await exportTo('for-evaluate');
  const network = await brightnessNetwork(join(folder, 'network'), 'knee_ap', 'chest_pa_ap');
  const run = plainview(['evaluate', join(folder, 'for-evaluate'), '--network', network], {});
  expect(await run.ended).toBe(0);
  expect(run.out()).toMatch(/3 pictures/);
});
