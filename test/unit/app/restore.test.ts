import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { callApi } from '../../../testkit/api.js';
import { stubClassifier } from '../../../testkit/classifier.js';
import { image } from '../../../testkit/dicom.js';
import { type FakeOrthanc, startFakeOrthanc } from '../../../testkit/fake-orthanc.js';
import { TestArchive } from '../../../testkit/members.js';
import { type Postgresql, startPostgresql } from '../../../testkit/postgresql.js';
import { Reader, startTestService } from '../../../testkit/service.js';

/** `docs/install.md`, Backup. */
const tarBackup = (state: string, file: string) =>
  execFileSync('tar', ['-C', state, '--exclude=service-*.lock', '-cf', file, '.']);
const tarRestore = (state: string, file: string) => execFileSync('tar', ['-C', state, '-xf', file]);

let fake: FakeOrthanc;
let folder: string;
beforeEach(async () => {
  fake = await startFakeOrthanc();
  folder = await mkdtemp(join(tmpdir(), 'plainview-restore-'));
});
afterEach(async () => {
  await fake.stop();
  await rm(folder, { recursive: true });
});

const started = (stateDir: string, env: NodeJS.ProcessEnv = {}) =>
  startTestService({ orthanc: fake.url, classifier: stubClassifier(), stateDir, env });

/** A person corrects a picture. The state is backed up while the service runs; then Orthanc loses the picture. */
async function correctedThenLost(
  stateDir: string,
  backUp: () => void,
  env: NodeJS.ProcessEnv = {},
): Promise<Buffer> {
  const service = await started(stateDir, env);
  const file = image();
  const { ID } = fake.store(file);
  await service.notice(ID);
  const reader = new Reader(fake.url);
  expect(await reader.decided(ID)).toBe('knee_lateral');
  const body = { category: 'hand_ap', of: (await reader.record(ID))?.when };
  expect((await callApi(service, 'PUT', `/instances/${ID}/decision`, { body })).status).toBe(200);
  backUp();
  await service.stop();
  await fetch(`${fake.url}/instances/${ID}`, { method: 'DELETE' });
  return file;
}

/** What becomes of the picture when it comes again. */
async function again(file: Buffer, stateDir: string, env: NodeJS.ProcessEnv = {}) {
  const service = await started(stateDir, env);
  try {
    const { ID } = fake.store(file);
    await service.notice(ID);
    const reader = new Reader(fake.url);
    const category = await reader.decided(ID);
    return { who: (await reader.record(ID))?.who, category };
  } finally {
    await service.stop();
    await fetch(`${fake.url}/instances/${fake.store(file).ID}`, { method: 'DELETE' });
  }
}

test('a state folder that was copied while the service ran brings back what people decided', async () => {
  const [before, empty, restored] = ['before', 'empty', 'restored'].map((name) => join(folder, name));
  if (before === undefined || empty === undefined || restored === undefined) throw new Error('three folders');
  for (const each of [before, empty, restored]) await mkdir(each);
  const backup = join(folder, 'backup.tar');
  const file = await correctedThenLost(before, () => tarBackup(before, backup));
  // So the folder is not dispensable.
  expect(await again(file, empty)).toEqual({ who: 'network', category: 'knee_lateral' });
  tarRestore(restored, backup);
  expect(await again(file, restored)).toEqual({ who: 'person', category: 'hand_ap' });
});

let server: Postgresql | undefined;
afterAll(() => server?.stop());

test('so does a database that was dumped while the service ran', async (context) => {
  server = await startPostgresql();
  if (server === undefined) return context.skip('no PostgreSQL');
  const [before, after] = [await TestArchive.create(server), await TestArchive.create(server)];
  try {
    const dump = join(folder, 'plainview.dump');
    const [state, other] = [join(folder, 'state'), join(folder, 'other')];
    for (const each of [state, other]) await mkdir(each);
    const env = { PLAINVIEW_DATABASE_URL: before.address };
    const file = await correctedThenLost(
      state,
      () => execFileSync('pg_dump', ['--format=custom', `--file=${dump}`, before.address]),
      env,
    );
    execFileSync('pg_restore', ['--no-owner', `--dbname=${after.address}`, dump]);
    expect(await again(file, other, { PLAINVIEW_DATABASE_URL: after.address })).toEqual({
      who: 'person',
      category: 'hand_ap',
    });
  } finally {
    await before.close();
    await after.close();
  }
});
