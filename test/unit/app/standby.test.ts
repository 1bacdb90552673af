import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startService } from '../../../src/app/service.js';
import type { Service } from '../../../src/app/service-interface.js';
import { startStandby } from '../../../src/app/standby.js';
import { loadConfig } from '../../../src/config/load.js';
import { createError } from '../../../src/errors/errors.js';
import { Database, Lease } from '../../../src/store/postgresql/open.js';
import { stubClassifier } from '../../../testkit/classifier.js';
import { type Postgresql, startPostgresql } from '../../../testkit/postgresql.js';
import { freshState } from '../../../testkit/service.js';
import { waitFor } from '../../../testkit/wait-for.js';

const server = await startPostgresql();
if (server === undefined)
  console.warn('PostgreSQL is not installed: the tests of a process that takes over are skipped.');

describe.skipIf(server === undefined)('a process that shares a database', () => {
  const { pool, url, stop } = server as Postgresql;
  afterAll(stop);

  let lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  let databases = 0;
  let address = '';
  let stateDir = '';
  beforeEach(async () => {
    const name = `standby_${process.pid}_${databases++}`;
    await pool.query(`CREATE DATABASE ${name}`);
    address = url(name);
    lines = [];
    stateDir = await freshState('http://127.0.0.1:1');
    return () => rm(stateDir, { recursive: true, force: true });
  });
  const configOf = (env: Record<string, string> = {}) => ({
    ...loadConfig({
      PLAINVIEW_DATABASE_URL: address,
      PLAINVIEW_SECRET: 'of tests alone, 123',
      PLAINVIEW_PORT: '0',
      PLAINVIEW_STATE_DIR: stateDir,
      PLAINVIEW_ORTHANC_URL: 'http://127.0.0.1:1',
      ...env,
    }),
    databaseUrl: address,
  });
  async function leaseRow(): Promise<{ since: Date; free: boolean } | undefined> {
    const client = new Client(address);
    await client.connect();
    const { rows } = await client.query('SELECT since, expires < now() AS free FROM plainview.lease');
    await client.end();
    return rows[0];
  }
  /** Another process works. @returns what ends that */
  async function occupy(): Promise<() => Promise<void>> {
    const database = await Database.open(address, log, new AbortController().signal);
    const lease = await Lease.take(database, 'the other', {
      onHolder: () => undefined,
      signal: new AbortController().signal,
      log,
    });
    return async () => {
      await lease?.release();
      await database.close();
    };
  }

  test('that is stopped in the moment in which it takes over stops its work, and gives the lease back', async () => {
    let start = (_: Service) => {};
    let isStarting = false;
    const events: string[] = [];
    const standby = await startStandby(
      configOf(),
      () => {
        isStarting = true;
        return new Promise((resolve) => {
          start = resolve;
        });
      },
      log,
    );
    await waitFor(() => isStarting);
    const stopped = standby.stop().then(() => events.push('stopped'));
    let settle = () => {};
    start({
      url: 'http://127.0.0.1:1',
      // Orthanc does not answer.
      ready: new Promise<void>((resolve) => {
        settle = resolve;
      }),
      lost: new Promise(() => undefined),
      stop: async () => {
        events.push('work stopped');
        settle();
      },
    });
    await stopped;
    await standby.ready;
    expect(events).toEqual(['work stopped', 'stopped']);
    expect(await leaseRow()).toMatchObject({ free: true });
  });

  test('whose work cannot start says why, and gives the lease back', async () => {
    const standby = await startStandby(
      configOf(),
      () => Promise.reject(createError('rules_invalid', { file: 'rules.yaml', problems: ['wrong'] })),
      log,
    );
    await expect(standby.ready).rejects.toMatchObject({ code: 'rules_invalid' });
    await standby.stop();
    expect(await leaseRow()).toMatchObject({ free: true });
  });

  test.each([
    ['PLAINVIEW_RULES_FILE', 'rules_invalid'],
    ['PLAINVIEW_TOKENS_FILE', 'config_invalid'],
    ['PLAINVIEW_HANGING_FILE', 'config_invalid'],
    ['PLAINVIEW_ORDER_WORDS', 'config_invalid'],
  ])('with a mistake in %s does not start, not even as a standby', async (variable, code) => {
    const leave = await occupy();
    const file = join(stateDir, 'wrong');
    await writeFile(file, 'wrong: [');
    const starting = startService(configOf({ [variable]: file }), stubClassifier(), { log });
    await expect(starting.then((service) => service.stop())).rejects.toMatchObject({ code });
    await leave();
  });

  test('needs a state folder of its own, for what stays on each machine', async () => {
    const leave = await occupy();
    const first = await startService(configOf(), stubClassifier(), { log });
    const second = startService(configOf(), stubClassifier(), { log });
    await expect(second.then((service) => service.stop())).rejects.toMatchObject({ code: 'state_in_use' });
    await first.stop();
    await startService(configOf(), stubClassifier(), { log }).then((service) => service.stop());
    await leave();
  });

  test('says who works and since when, as the one that works does', async () => {
    const leave = await occupy();
    const standby = await startStandby(configOf(), () => Promise.reject(new Error('not now')), log);
    await waitFor(() => lines.some((line) => line.includes('another process works')));
    const since = (await leaseRow())?.since.toISOString();
    const ready = await fetch(`${standby.url}/health/ready`);
    expect(await ready.json()).toEqual({ ready: false, standby: true, leader: { who: 'the other', since } });
    const refused = await fetch(`${standby.url}/api/v1/status`);
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({
      code: 'standby',
      title: expect.stringContaining(`the other, since ${since}`),
    });
    expect(lines.filter((line) => line.includes('a request failed'))).toEqual([]);
    await standby.stop();
    await leave();
  });

  test('tells in its log that it works now, and since when by the clock of the database', async () => {
    const leave = await occupy();
    let since: string | undefined;
    const standby = await startStandby(
      configOf(),
      async ({ leader }) => {
        since = leader?.since;
        return {
          url: 'http://127.0.0.1:1',
          ready: Promise.resolve(),
          lost: new Promise(() => undefined),
          stop: async () => undefined,
        };
      },
      log,
    );
    await waitFor(() => lines.some((line) => line.includes('another process works')));
    await leave();
    await standby.ready;
    expect(since).toBe((await leaseRow())?.since.toISOString());
    expect(lines.filter((line) => line.includes('this process works now'))).toHaveLength(1);
    await standby.stop();
  });
});
