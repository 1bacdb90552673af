import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { instanceId } from '../../src/orthanc/ids.js';
import { discardFollowers, type FollowOptions, MortalFollower } from '../../testkit/mortal-follower.js';
import { type Postgresql, startPostgresql } from '../../testkit/postgresql.js';
import { seeded } from '../../testkit/random.js';
import { type SimulatedLog, SimulatedOrthanc } from '../../testkit/simulated-orthanc.js';
import { waitFor } from '../../testkit/wait-for.js';

/** The change log as Orthanc's PostgreSQL plugin 6 and newer create it. */
const schema = `
  DROP TABLE IF EXISTS Changes, GlobalIntegers;
  CREATE TABLE GlobalIntegers (key INTEGER PRIMARY KEY, value BIGINT);
  INSERT INTO GlobalIntegers VALUES (6, 0);
  CREATE TABLE Changes (
    seq BIGSERIAL NOT NULL PRIMARY KEY, changeType INTEGER, internalId BIGINT, resourceType INTEGER, date VARCHAR(64));
  CREATE OR REPLACE FUNCTION InsertedChangeFunc() RETURNS TRIGGER AS $body$
  BEGIN
    UPDATE GlobalIntegers SET value = new.seq WHERE key = 6;
    RETURN NULL;
  END;
  $body$ LANGUAGE plpgsql;
  CREATE TRIGGER InsertedChange AFTER INSERT ON Changes FOR EACH ROW EXECUTE PROCEDURE InsertedChangeFunc();`;
const [newInstance, newSeries] = [2, 4];
const insert = "INSERT INTO Changes VALUES (DEFAULT, $1, $2, 3, '20240101T000000')";

let server: Postgresql | undefined;
beforeAll(async () => {
  server = await startPostgresql();
});
beforeEach(async () => {
  await server?.pool.query(schema);
});
afterAll(async () => {
  discardFollowers();
  await server?.stop();
});

const entryRows = z.array(
  z.object({ seq: z.coerce.number(), changetype: z.number(), internalid: z.coerce.number() }),
);

/** Answers as Orthanc does from these tables. */
const logOf = (pool: Pool): SimulatedLog => ({
  async page(since, limit) {
    const select = 'SELECT seq, changeType, internalId FROM Changes';
    const { rows: found } =
      since === 'last'
        ? await pool.query(`${select} ORDER BY seq DESC LIMIT 1`)
        : await pool.query(`${select} WHERE seq > $1 ORDER BY seq LIMIT $2`, [since, limit + 1]);
    const { rows: last } = await pool.query('SELECT value FROM GlobalIntegers WHERE key = 6');
    const entries = entryRows.parse(found).map(({ seq, changetype, internalid }) => ({
      seq,
      instance: internalid,
      type: changetype === newInstance ? 'NewInstance' : 'NewSeries',
    }));
    const done = since === 'last' || entries.length <= limit;
    const { value } = z.object({ value: z.coerce.number() }).parse(last[0]);
    return { entries: done ? entries : entries.slice(0, limit), done, last: value };
  },
});

const [writers, perWriter] = [10, 250];

/** One of several Orthancs that store at the same time. @returns the instances that it committed */
async function store(pool: Pool, writer: number, random: () => number): Promise<number[]> {
  const committed: number[] = [];
  const client = await pool.connect();
  for (let n = 1; n <= perWriter; n++) {
    const instance = writer * perWriter + n;
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
    await client.query(insert, [newInstance, instance]);
    await delay(random() * 4);
    await client.query(insert, [newSeries, instance]);
    const isRolledBack = random() < 0.05;
    await client.query(isRolledBack ? 'ROLLBACK' : 'COMMIT');
    if (!isRolledBack) committed.push(instance);
  }
  client.release();
  return committed;
}

const why = 'there is no pg_virtualenv: it comes with the package postgresql';

test('with parallel writers in PostgreSQL, no instance is missed, although the service is killed', async ({
  skip,
}) => {
  if (server === undefined) return skip(why);
  const { pool } = server;
  const random = seeded(1);
  const orthanc = new SimulatedOrthanc(writers * perWriter, logOf(pool));
  const decided: FollowOptions['decided'] = new Set();
  const options = { url: await orthanc.listen(), decided, jobMs: () => random() * 20, pollMs: 20 };
  let follower = await MortalFollower.start(options);
  let isWriting = true;
  const storing = Promise.all(
    Array.from({ length: writers }, (_, writer) => store(pool, writer, random)),
  ).finally(() => {
    isWriting = false;
  });
  let late = 0;
  while (isWriting) {
    const goal = decided.size + 300;
    await waitFor(() => decided.size >= goal || !isWriting, { what: 'more decisions' });
    const stateDir = await follower.kill();
    late += follower.late;
    follower = await MortalFollower.start({ ...options, stateDir });
  }
  const ids = orthanc.instances().map((id) => instanceId.parse(id));
  const committed = (await storing).flat();
  const missed = () => committed.filter((n) => !decided.has(ids[n - 1] ?? instanceId.parse('')));
  await waitFor(() => missed().length === 0, { what: 'the late entries', timeout: 60_000 }).finally(
    async () => {
      await follower.end();
      await orthanc.close();
    },
  );
  expect(late + follower.late).toBeGreaterThan(0);
});

test('the number that was written last can be lower than others: the log is not taken for another one', async ({
  skip,
}) => {
  if (server === undefined) return skip(why);
  const { pool } = server;
  const log = logOf(pool);
  const [one, other] = [await pool.connect(), await pool.connect()];
  await one.query('BEGIN');
  await one.query(insert, [newInstance, 1]);
  await other.query('BEGIN');
  // It has the number 2, and waits for the row that the trigger writes.
  const waiting = other.query(insert, [newInstance, 2]);
  await waitFor(
    async () => {
      const { rows } = await pool.query<{ last_value: string }>('SELECT last_value FROM changes_seq_seq');
      return rows[0]?.last_value === '2';
    },
    { what: 'the second number' },
  );
  await one.query(insert, [newInstance, 3]);
  await one.query('COMMIT');
  await waiting;
  const before = await log.page(0, 10);
  await other.query('COMMIT');
  expect(before.entries.map(({ seq }) => seq)).toEqual([1, 3]);
  expect((await log.page(0, 10)).entries.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  expect(await log.page(3, 10)).toEqual({ entries: [], done: true, last: 2 });
  one.release();
  other.release();

  const pages: (number | 'last')[] = [];
  const orthanc = new SimulatedOrthanc(3, {
    page: (since, limit) => {
      pages.push(since);
      return log.page(since, limit);
    },
  });
  const decided: FollowOptions['decided'] = new Set();
  const follower = await MortalFollower.start({ url: await orthanc.listen(), decided });
  await waitFor(() => decided.size === 3 && pages.filter((since) => since === 3).length > 5);
  await follower.end();
  await orthanc.close();
  expect(pages.filter((since) => since === 0)).toHaveLength(1);
});
