import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Database, importFolder, Membership, PostgresqlStore } from '../../../src/store/postgresql/open.js';
import { type Postgresql, startPostgresql } from '../../../testkit/postgresql.js';
import { startTcpProxy } from '../../../testkit/tcp-proxy.js';
import { waitFor } from '../../../testkit/wait-for.js';

const server = await startPostgresql();
if (server === undefined)
  console.warn('PostgreSQL is not installed: the tests of its outages and refusals are skipped.');

describe.skipIf(server === undefined)('a database', () => {
  const { pool, url, stop } = server as Postgresql;
  afterAll(stop);

  let lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const told = () => lines.filter(({ level }) => Number(level) >= 30).map(({ msg }) => msg);
  const stopping = { signal: new AbortController().signal };
  const opened: Database[] = [];
  let databases = 0;
  let address = '';
  beforeEach(async () => {
    const name = `outages_${process.pid}_${databases++}`;
    await pool.query(`CREATE DATABASE ${name}`);
    address = url(name);
    lines = [];
  });
  afterEach(() => Promise.all(opened.splice(0).map((each) => each.close())));

  async function open(signal = stopping.signal): Promise<Database> {
    const database = await Database.open(address, log, signal);
    opened.push(database);
    return database;
  }
  const take = (database: Database): Promise<Membership> =>
    Membership.join(database, { who: 'test', url: 'http://test.example', mayLead: true, log });
  /** Ends the connections of a database that wait for a lock, or all. */
  const cut = (what: 'waiting' | 'all') =>
    pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = $1 AND application_name = 'plainview' AND ($2 OR wait_event_type = 'Lock')`,
      [new URL(address).pathname.slice(1), what === 'all'],
    );

  test('that breaks a connection while another process makes the tables is asked again', async () => {
    // As a process that makes the tables.
    const holder = new Client(address);
    await holder.connect();
    await holder.query('SELECT pg_advisory_lock(8104001)');
    const opening = open();
    await waitFor(async () => ((await cut('waiting')).rowCount ?? 0) > 0);
    await waitFor(() => told().length > 0);
    await holder.end();
    await opening;
    expect(told()).toEqual([expect.stringContaining('Check that PostgreSQL'), 'the database answers']);
  });

  test('that cannot do what its address asks for refuses the start', async () => {
    address = `${address}?sslmode=verify-full`;
    await expect(open()).rejects.toMatchObject({
      code: 'database_refused',
      message: expect.stringMatching(/(SSL|certificate).*PLAINVIEW_DATABASE_URL/),
    });
  });

  test('at a socket that is not there yet is waited for', async () => {
    address = `postgresql:///plainview?host=${tmpdir()}/plainview-no-such-folder`;
    const giveUp = new AbortController();
    const opening = open(giveUp.signal).catch((error: unknown) => error);
    await waitFor(() => told().length > 0);
    giveUp.abort();
    expect(await opening).toMatchObject({ code: 'database_unusable' });
  });

  test('that breaks an idle connection is told in one short line, for those who look for it', async () => {
    await open();
    await cut('all');
    const line = await waitFor(() => lines.find(({ msg }) => String(msg).includes('broke')));
    expect(JSON.stringify(line).length).toBeLessThan(300);
    expect(told()).toEqual([]);
  });

  test('with a full disk refuses each write at once, and is not said to be away', async () => {
    const database = await open();
    const store = new PostgresqlStore(database, await take(database));
    await store.write('kept', 1);
    await database.query(
      `CREATE FUNCTION plainview.full_disk() RETURNS trigger LANGUAGE plpgsql
       AS $$ BEGIN RAISE 'no space left on device' USING ERRCODE = 'disk_full'; END $$`,
    );
    await database.query(
      `CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON plainview.documents
       FOR EACH ROW EXECUTE FUNCTION plainview.full_disk()`,
    );
    for (const content of [2, 3]) {
      await expect(store.write('kept', content)).rejects.toMatchObject({
        code: 'database_unusable',
        message: expect.stringContaining('no space left on device'),
      });
      expect(await store.read('kept', z.number())).toBe(1);
    }
    expect(told()).toEqual([]);
  });

  test('that is short is not noticed by who writes; a long one is an error to be tried again', async () => {
    const { hostname, port } = new URL(address);
    const proxy = await startTcpProxy(hostname, Number(port));
    address = Object.assign(new URL(address), { host: `127.0.0.1:${proxy.port}` }).href;
    const database = await open();
    const store = new PostgresqlStore(database, await take(database));
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
    await proxy.stop();
  });

  test('that gives a statement up for the sake of another one is asked again', async () => {
    const database = await open();
    await database.query('CREATE TABLE pairs (key text PRIMARY KEY, n integer)');
    await database.query("INSERT INTO pairs VALUES ('a', 0), ('b', 0)");
    const other = new Client(address);
    await other.connect();
    await other.query("SET deadlock_timeout = '1min'");
    await other.query('BEGIN');
    await other.query("UPDATE pairs SET n = n + 1 WHERE key = 'b'");
    // In one statement, one after the other.
    const both = database.query(
      `WITH a AS MATERIALIZED (SELECT key FROM pairs WHERE key = 'a' FOR UPDATE),
       b AS MATERIALIZED (SELECT pairs.key FROM pairs, a WHERE pairs.key = 'b' FOR UPDATE OF pairs)
       SELECT * FROM b`,
    );
    await waitFor(
      async () =>
        (
          await pool.query("SELECT FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'", [
            new URL(address).pathname.slice(1),
          ])
        ).rowCount === 1,
    );
    await other.query("UPDATE pairs SET n = n + 1 WHERE key = 'a'");
    await other.query('COMMIT');
    await other.end();
    expect((await both).count).toBe(1);
  });

  test('takes a damaged document of a folder as a damaged one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plainview-import-'));
    // What some file systems leave after a power cut.
    writeFileSync(join(folder, 'zeros.json'), Buffer.alloc(20));
    writeFileSync(join(folder, 'whole.json'), '7');
    const database = await open();
    const membership = await take(database);
    const run = () => importFolder(folder, database, membership, () => undefined);
    expect(await run()).toEqual({ taken: 2, same: 0, different: [] });
    expect(await run()).toEqual({ taken: 0, same: 2, different: [] });
    const store = new PostgresqlStore(database, membership);
    await expect(store.read('zeros', z.unknown())).rejects.toMatchObject({ code: 'state_damaged' });
    expect(await store.read('whole', z.number())).toBe(7);
    rmSync(folder, { recursive: true });
  });
});
