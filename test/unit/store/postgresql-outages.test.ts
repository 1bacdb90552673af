import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Database, importFolder, Lease, PostgresqlStore } from '../../../src/store/postgresql/open.js';
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
  async function take(database: Database, signal = stopping.signal): Promise<Lease> {
    const lease = await Lease.take(database, 'test', { onHolder: () => undefined, signal, log });
    if (lease === undefined) throw new Error('no lease');
    return lease;
  }
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

  test('that answers, but refuses the lease to a standby, is told once; the standby goes on when it is mended', async () => {
    const database = await open();
    await database.query('ALTER TABLE plainview.lease RENAME TO kept_away');
    const taking = take(database);
    await waitFor(() => told().length > 0);
    await waitFor(async () => {
      const { rows } = await pool.query<{ rolled_back: string }>(
        'SELECT xact_rollback AS rolled_back FROM pg_stat_database WHERE datname = $1',
        [new URL(address).pathname.slice(1)],
      );
      return Number(rows[0]?.rolled_back) > 1;
    });
    await database.query('ALTER TABLE plainview.kept_away RENAME TO lease');
    await taking;
    expect(told()).toEqual([expect.stringContaining('lease')]);
  });

  test('that was away for longer than a lease lasts leaves it to its holder', async () => {
    const direct = new Client(address);
    await direct.connect();
    const { hostname, port } = new URL(address);
    const proxy = await startTcpProxy(hostname, Number(port));
    address = Object.assign(new URL(address), { host: `127.0.0.1:${proxy.port}` }).href;
    const holder = await take(await open());
    const standby = await open();
    const waiting = new AbortController();
    let isKnown = false;
    const onHolder = () => {
      isKnown = true;
    };
    const taking = Lease.take(standby, 'standby', { onHolder, signal: waiting.signal, log });
    await waitFor(() => isKnown);
    proxy.isCut = true;
    proxy.cut();
    await waitFor(() => told().length === 2);
    // As if the outage had lasted longer.
    await direct.query("UPDATE plainview.lease SET expires = now() - interval '1 second'");
    proxy.isCut = false;
    const state = async () =>
      (await direct.query('SELECT term, expires > now() AS renewed FROM plainview.lease')).rows[0];
    await waitFor(async () => (await state()).renewed);
    expect((await state()).term).toBe(holder.term);
    waiting.abort();
    expect(await taking).toBeUndefined();
    await holder.release();
    await direct.end();
    await proxy.stop();
  });

  test('takes a damaged document of a folder as a damaged one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plainview-import-'));
    // What some file systems leave after a power cut.
    writeFileSync(join(folder, 'zeros.json'), Buffer.alloc(20));
    writeFileSync(join(folder, 'whole.json'), '7');
    const database = await open();
    const lease = await take(database);
    const run = () => importFolder(folder, database, lease, () => undefined);
    expect(await run()).toEqual({ taken: 2, same: 0, different: [] });
    expect(await run()).toEqual({ taken: 0, same: 2, different: [] });
    const store = new PostgresqlStore(database, lease);
    await expect(store.read('zeros', z.unknown())).rejects.toMatchObject({ code: 'state_damaged' });
    expect(await store.read('whole', z.number())).toBe(7);
    rmSync(folder, { recursive: true });
  });
});
