import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { FolderStore } from '../../../src/store/folder-store.js';
import { importFolder, inspectDatabase, PostgresqlStore } from '../../../src/store/postgresql/open.js';
import { runInProcess } from '../../../testkit/command-line.js';
import { TestArchive } from '../../../testkit/members.js';
import { type Postgresql, startPostgresql } from '../../../testkit/postgresql.js';
import { readFormer } from '../../../testkit/upgrade/former.js';
import { storeConformance } from './conformance.js';

const server = await startPostgresql();
if (server === undefined)
  console.warn('PostgreSQL is not installed: the tests of the state in a database are skipped.');

describe.skipIf(server === undefined)('in PostgreSQL', () => {
  const { url, stop } = server as Postgresql;
  afterAll(stop);
  let archive: TestArchive;
  beforeEach(async () => {
    archive = await TestArchive.create(server as Postgresql);
  });
  afterEach(() => archive.close());

  describe('a store', () => {
    let processes = 0;
    storeConformance(() => ({
      open: async () => {
        const database = await archive.open();
        return new PostgresqlStore(database, await archive.join(database, `process ${processes++}`));
      },
      damage: async (key, content) => {
        const database = await archive.open();
        await database.query('INSERT INTO plainview.documents VALUES ($1, $2)', [key, content]);
      },
      address: () => ['database', archive.address],
    }));
  });

  test('the doctor looks at a database without a change: one that is new, in use, or of a newer version', async () => {
    const look = () => inspectDatabase(archive.address);
    const healthy = { isStandby: false, clockOffset: expect.closeTo(0, -1), place: expect.any(String) };
    const client = new Client({ connectionString: archive.address });
    await client.connect();
    const schemas = async () =>
      (await client.query("SELECT FROM pg_namespace WHERE nspname LIKE 'plainview%'")).rowCount;
    try {
      expect(await look()).toEqual(healthy);
      expect(await schemas()).toBe(0);
      const database = await archive.open();
      expect(await look()).toEqual(healthy);
      await database.query('INSERT INTO plainview.migrations VALUES (999)');
      await expect(look()).rejects.toMatchObject({ code: 'database_newer' });
    } finally {
      await client.end();
    }
    const absent = archive.address.replace(/[^/]+$/, 'absent');
    await expect(inspectDatabase(absent)).rejects.toMatchObject({ code: 'database_refused' });
    const away = 'postgresql://plainview:SECRET@127.0.0.1:1/plainview';
    const error = await inspectDatabase(away).catch((caught: Error) => caught);
    expect(error).toMatchObject({
      code: 'database_unusable',
      message: expect.not.stringContaining('SECRET'),
    });
  });

  test('a state folder is imported once and whole; repeated, nothing changes, and what is newer in the database stays', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plainview-import-'));
    const files = new FolderStore(folder);
    const keys = [
      'changes',
      'tags/one',
      ...Array.from({ length: 450 }, (_, index) => `corrections/uids/ab/${index}`),
    ];
    for (const key of keys) await files.write(key, { key });
    await files.write('in-work', { inWork: [] });
    writeFileSync(join(folder, 'damaged.json'), '{"half":');
    const database = await archive.open();
    const membership = await archive.join(database, 'import');
    const store = new PostgresqlStore(database, membership);
    const run = () => importFolder(folder, database, membership, () => undefined);
    expect(await run()).toEqual({ taken: keys.length + 1, same: 0, different: [] });
    for (const key of keys) expect(await store.read(key, z.unknown())).toEqual({ key });
    expect(await store.has('in-work')).toBe(false);
    await expect(store.read('damaged', z.unknown())).rejects.toMatchObject({ code: 'state_damaged' });
    await store.write('changes', { since: 7 });
    expect(await run()).toEqual({ taken: 0, same: keys.length, different: ['changes'] });
    expect(await store.read('changes', z.unknown())).toEqual({ since: 7 });
    await database.query('DELETE FROM plainview.members');
    await files.write('new', 1);
    await expect(run()).rejects.toMatchObject({ code: 'lease_lost' });
    expect(await store.has('new')).toBe(false);
    rmSync(folder, { recursive: true });
  });

  test('the import of a folder that holds no state says so, and ends with 2', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plainview-import-'));
    vi.stubEnv('PLAINVIEW_DATABASE_URL', archive.address);
    vi.stubEnv('PLAINVIEW_STATE_DIR', folder);
    const run = () => runInProcess('store', 'import');
    const files = new FolderStore(folder);
    // As a service that has a database leaves it.
    await files.write('in-work', { inWork: [] });
    const { status, stderr } = await run();
    expect([status, stderr]).toEqual([2, expect.stringContaining(`${folder} holds no state`)]);
    await files.write('changes', { since: 7 });
    expect((await run()).stdout).toMatch(/^1 documents are copied/);
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  test('several that start at once on an empty database make its tables once, those of the job engine too', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => archive.open()));
    const made = await all[0]?.query('SELECT version FROM plainview.migrations ORDER BY version');
    expect(made?.rows).toEqual([1, 2].map((version) => ({ version })));
    const jobs = await all[0]?.query('SELECT FROM plainview_jobs.jobs');
    expect(jobs?.count).toBe(0);
  });

  test('a database of a newer Plainview is not touched', async () => {
    const database = await archive.open();
    await database.query('INSERT INTO plainview.migrations VALUES (99)');
    await expect(archive.open()).rejects.toMatchObject({ code: 'database_newer', transient: false });
  });

  test('a database of the version before keeps its documents, and ends the processes of that version', async () => {
    const client = new Client({ connectionString: archive.address });
    await client.connect();
    await client.query(readFileSync('testkit/upgrade/database-1.sql', 'utf8'));
    const database = await archive.open();
    const store = new PostgresqlStore(database, await archive.join(database, 'after'));
    const { state } = readFormer('2026-11-29');
    for (const [path, content] of Object.entries(state))
      expect(await store.read(path.replace(/\.json$/, ''), z.unknown()), path).toEqual(JSON.parse(content));
    const { rows } = await client.query('SELECT holder FROM plainview.lease');
    expect(rows).toEqual([{ holder: 'a newer Plainview' }]);
    await client.end();
  });

  test.each([
    ['password', (address: URL) => ({ password: 'wrong', username: address.username })],
    ['name', () => ({ pathname: '/no_such_database' })],
  ])('a wrong %s is refused at the start, without showing the password', async (_what, wrong) => {
    const address = new URL(url('postgres'));
    address.password = 'SECRET-PASSWORD';
    Object.assign(address, wrong(address));
    if (_what === 'name') address.password = new URL(url('postgres')).password;
    const refused = Object.assign(archive, { address: address.href });
    const caught: unknown = await refused.open().catch((error: unknown) => error);
    expect(caught).toMatchObject({ code: 'database_refused', transient: false });
    expect(String((caught as Error).message)).not.toContain(address.password);
  });

  test('a Plainview before shared mode that runs loses the archive, and one that stands by does not get it', async () => {
    const client = new Client(archive.address);
    await client.connect();
    await client.query(`CREATE SCHEMA plainview; CREATE TABLE plainview.migrations (version integer PRIMARY KEY);
      INSERT INTO plainview.migrations VALUES (1);
      CREATE TABLE plainview.documents (key text COLLATE "C" PRIMARY KEY, content text NOT NULL);
      CREATE TABLE plainview.lease (id integer PRIMARY KEY CHECK (id = 1), term bigint NOT NULL, holder text NOT NULL,
        since timestamptz NOT NULL, expires timestamptz NOT NULL);
      INSERT INTO plainview.lease VALUES (1, 5, 'the older one', now(), now() + interval '10 seconds')`);
    await archive.join(await archive.open(), 'newer');
    // What that version asks.
    const renewal = await client.query('UPDATE plainview.lease SET expires = now() WHERE term = 5');
    const write = await client.query(
      `WITH term AS (SELECT 1 FROM plainview.lease WHERE term = 5 FOR SHARE)
       INSERT INTO plainview.documents SELECT 'sweep', '{}' FROM term`,
    );
    const holder = await client.query('SELECT holder FROM plainview.lease WHERE expires >= now()');
    await client.end();
    expect([renewal.rowCount, write.rowCount]).toEqual([0, 0]);
    expect(holder.rows).toEqual([{ holder: 'a newer Plainview' }]);
  });

  test('a term is not given again where the database is restored from a backup', async () => {
    const before = await archive.join(await archive.open(), 'before');
    const restored = await TestArchive.create(server as Postgresql);
    const after = await restored.join(await restored.open(), 'after');
    expect(after.term).not.toBe(before.term);
    await restored.close();
  });
});
