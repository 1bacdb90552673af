import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { FolderStore } from '../../../src/store/folder-store.js';
import { Database, importFolder, Lease, PostgresqlStore } from '../../../src/store/postgresql/open.js';
import { type Postgresql, startPostgresql } from '../../../testkit/postgresql.js';
import { startTcpProxy, type TcpProxy } from '../../../testkit/tcp-proxy.js';
import { waitFor } from '../../../testkit/wait-for.js';
import { storeConformance } from './conformance.js';

const server = await startPostgresql();
if (server === undefined)
  console.warn('PostgreSQL is not installed: the tests of the state in a database are skipped.');

const silent = pino({ level: 'silent' });
const never = new AbortController().signal;
const onHolder = () => undefined;

describe.skipIf(server === undefined)('in PostgreSQL', () => {
  const { pool, url, stop } = server as Postgresql;
  afterAll(stop);
  const opened: { close(): Promise<void> }[] = [];
  afterAll(() => Promise.all(opened.map((each) => each.close())));

  let databases = 0;
  /** The address of a new, empty database. */
  async function create(): Promise<string> {
    const name = `plainview_${process.pid}_${databases++}`;
    await pool.query(`CREATE DATABASE ${name}`);
    return url(name);
  }
  async function open(address: string, log = silent): Promise<Database> {
    const database = await Database.open(address, log, never);
    opened.push(database);
    return database;
  }
  async function take(database: Database, who: string): Promise<Lease> {
    const lease = await Lease.take(database, who, { onHolder, signal: never, log: silent });
    if (lease === undefined) throw new Error('no lease');
    return lease;
  }
  /** As if a lease had not been renewed. */
  const expire = (database: Database) =>
    database.query("UPDATE plainview.lease SET expires = now() - interval '1 second'");

  let address = '';
  beforeAll(async () => {
    address = await create();
  });

  describe('a store', () => {
    storeConformance(() => ({
      open: async () => {
        const database = await open(address);
        await expire(database);
        return new PostgresqlStore(database, await take(database, 'test'));
      },
      damage: async (key, content) => {
        const database = await open(address);
        await database.query('INSERT INTO plainview.documents VALUES ($1, $2)', [key, content]);
      },
    }));
  });

  describe('a lease', () => {
    let fresh = '';
    beforeEach(async () => {
      fresh = await create();
    });

    test('is with one of many that want it at the same time; it goes to another when it is given back', async () => {
      const database = await open(fresh);
      const waiting = new AbortController();
      const holders: string[] = [];
      const leases = Array.from({ length: 8 }, (_, index) =>
        Lease.take(database, `process ${index}`, { onHolder, signal: waiting.signal, log: silent }).then(
          (lease) => {
            if (lease !== undefined) holders.push(lease.term);
            return lease;
          },
        ),
      );
      const first = await Promise.race(leases);
      expect(holders).toEqual(['1']);
      await first?.release();
      await waitFor(() => holders.length === 2);
      waiting.abort();
      await Promise.all(leases);
      expect(holders).toEqual(['1', '2']);
    });

    test('tells who has it', async () => {
      const database = await open(fresh);
      await take(database, 'the first');
      const told: string[] = [];
      const waiting = new AbortController();
      const second = Lease.take(database, 'the second', {
        onHolder: ({ who }) => {
          told.push(who);
          waiting.abort();
        },
        signal: waiting.signal,
        log: silent,
      });
      expect(await second).toBeUndefined();
      expect(told).toEqual(['the first']);
    });

    test('that was not renewed is taken by another; what the first one then writes or removes is refused', async () => {
      const database = await open(fresh);
      const lease = await take(database, 'suspended');
      const store = new PostgresqlStore(database, lease);
      await store.write('kept', 1);
      await expire(database);
      await take(database, 'quick');
      for (const change of [
        () => store.write('kept', 2),
        () => store.remove('kept'),
        () => store.setAside('kept'),
      ])
        await expect(change()).rejects.toMatchObject({
          code: 'lease_lost',
          message: expect.stringContaining('quick'),
          transient: true,
        });
      expect(await lease.lost).toMatchObject({ code: 'lease_lost' });
      expect(await store.read('kept', z.number())).toBe(1);
    });

    test('a write that is under way while another term begins is made before it, or not at all', async () => {
      const database = await open(fresh);
      const store = new PostgresqlStore(database, await take(database, 'suspended'));
      // The other process has begun its term, but its transaction is not over yet.
      const other = await pool.connect().then((client) => {
        client.release();
        return open(fresh);
      });
      await expire(database);
      const client = new (await import('pg')).Client({ connectionString: fresh });
      await client.connect();
      await client.query('BEGIN');
      await client.query("UPDATE plainview.lease SET term = term + 1, holder = 'quick'");
      const late = store.write('late', 1).catch((error: unknown) => error);
      await waitFor(async () => {
        const { rows } = await other.query<{ waiting: boolean }>(
          "SELECT count(*) > 0 AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        );
        return rows[0]?.waiting;
      });
      await client.query('COMMIT');
      await client.end();
      expect(await late).toMatchObject({ code: 'lease_lost' });
      expect(await store.has('late')).toBe(false);
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
    const database = await open(await create());
    const lease = await take(database, 'import');
    const store = new PostgresqlStore(database, lease);
    const run = () => importFolder(folder, database, lease, () => undefined);
    expect(await run()).toEqual({ taken: keys.length + 1, same: 0, different: [] });
    for (const key of keys) expect(await store.read(key, z.unknown())).toEqual({ key });
    expect(await store.has('in-work')).toBe(false);
    await expect(store.read('damaged', z.unknown())).rejects.toMatchObject({ code: 'state_damaged' });
    await store.write('changes', { since: 7 });
    expect(await run()).toEqual({ taken: 0, same: keys.length, different: ['changes'] });
    expect(await store.read('changes', z.unknown())).toEqual({ since: 7 });
    await expire(database);
    await take(database, 'a service');
    await store.remove('changes').catch(() => undefined);
    await files.write('new', 1);
    await expect(run()).rejects.toMatchObject({ code: 'lease_lost' });
    rmSync(folder, { recursive: true });
  });

  test('two that start at once on an empty database make its tables once', async () => {
    const fresh = await create();
    const all = await Promise.all(Array.from({ length: 4 }, () => open(fresh)));
    const made = await all[0]?.query('SELECT * FROM plainview.migrations');
    expect(made?.rows).toEqual([{ version: 1 }]);
  });

  test('a database of a newer Plainview is not touched', async () => {
    const fresh = await create();
    const database = await open(fresh);
    await database.query('INSERT INTO plainview.migrations VALUES (99)');
    await expect(open(fresh)).rejects.toMatchObject({ code: 'database_newer', transient: false });
  });

  test.each([
    ['password', (address: URL) => ({ password: 'wrong', username: address.username })],
    ['name', () => ({ pathname: '/no_such_database' })],
  ])('a wrong %s is refused at the start, without showing the password', async (_what, wrong) => {
    const address = new URL(url('postgres'));
    address.password = 'SECRET-PASSWORD';
    Object.assign(address, wrong(address));
    if (_what === 'name') address.password = new URL(url('postgres')).password;
    const caught: unknown = await open(address.href).catch((error: unknown) => error);
    expect(caught).toMatchObject({ code: 'database_refused', transient: false });
    expect(String((caught as Error).message)).not.toContain(address.password);
  });

  describe('an outage of the database', () => {
    let proxy: TcpProxy;
    const lines: string[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    beforeEach(async () => {
      const fresh = new URL(await create());
      proxy = await startTcpProxy(fresh.hostname, Number(fresh.port));
      fresh.host = `127.0.0.1:${proxy.port}`;
      address = fresh.href;
      lines.length = 0;
      return () => proxy.stop();
    });

    test('is waited for at the start, and told once, as its end is', async () => {
      proxy.isCut = true;
      const opening = open(address, log);
      await waitFor(() => lines.length > 0);
      await waitFor(() => proxy.refused > 3, { timeout: 20_000 });
      proxy.isCut = false;
      await opening;
      expect(lines).toHaveLength(2);
      expect(lines[0]).toContain('Check that PostgreSQL runs');
      expect(lines[1]).toContain('the database answers');
    });

    test('that is short is not noticed by who writes; a long one is an error to be tried again', async () => {
      const database = await open(address, log);
      const store = new PostgresqlStore(database, await take(database, 'test'));
      proxy.cut();
      await store.write('short', 1);
      expect(await store.read('short', z.number())).toBe(1);
      proxy.isCut = true;
      proxy.cut();
      await expect(store.write('long', 1)).rejects.toMatchObject({
        code: 'database_unusable',
        transient: true,
      });
      proxy.isCut = false;
      await store.write('long', 2);
      expect(await store.read('long', z.number())).toBe(2);
    });
  });
});
