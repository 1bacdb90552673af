import { readFileSync } from 'node:fs';
import { Client } from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { instanceId } from '../../../src/orthanc/ids.js';
import { AdmissionPolicy } from '../../../src/queue/admission-policy.js';
import { PostgresqlQueue } from '../../../src/queue/postgresql.js';
import type { Handler, JobOutcome } from '../../../src/queue/queue.js';
import { SharedLocks } from '../../../src/store/postgresql/open.js';
import { TestArchive } from '../../../testkit/members.js';
import { type Postgresql, startPostgresql } from '../../../testkit/postgresql.js';
import { waitFor } from '../../../testkit/wait-for.js';

const server = await startPostgresql();
if (server === undefined)
  console.warn('PostgreSQL is not installed: the tests of a queue of several processes are skipped.');

const id = (n: number) => instanceId.parse(`${n.toString(16).padStart(8, '0')}${'-00000000'.repeat(4)}`);
const settled: JobOutcome = { kind: 'settled' };

describe.skipIf(server === undefined)('a queue that processes share', () => {
  afterAll(() => server?.stop());
  let archive: TestArchive;
  /** `who instance#attempt` */
  let started: string[] = [];
  let running: string[] = [];
  let most = 0;
  let open = new Map<string, (outcome: JobOutcome) => void>();
  beforeEach(async () => {
    archive = await TestArchive.create(server as Postgresql);
    started = [];
    running = [];
    most = 0;
    open = new Map();
  });
  afterEach(() => archive.close());

  /** A handler whose jobs the test ends. */
  const held =
    (who: string): Handler =>
    async ({ instance, attempt }) => {
      const n = Number.parseInt(instance.slice(0, 8), 16);
      started.push(`${who} ${n}#${attempt}`);
      running.push(instance);
      most = Math.max(most, running.filter((each) => each === instance).length);
      const outcome = await new Promise<JobOutcome>((resolve) => open.set(`${who} ${n}`, resolve));
      running.splice(running.indexOf(instance), 1);
      return outcome;
    };
  async function end(job: string, outcome = settled): Promise<void> {
    await waitFor(() => open.has(job), { what: `the start of ${job}`, timeout: 20_000 });
    open.get(job)?.(outcome);
    open.delete(job);
  }
  async function start(who: string, handler = held(who), concurrency = 1, before = async () => {}) {
    const member = await archive.start(who);
    await before();
    const { database, membership } = member;
    const queue = new PostgresqlQueue({
      database,
      membership,
      locks: new SharedLocks(database, membership),
      admission: new AdmissionPolicy({ concurrency, backlog: concurrency }, 0),
      concurrency,
      backlog: concurrency,
      handler,
      log: pino({ level: 'silent' }),
    });
    queue.start();
    archive.onClose(async () => void (await queue.stop(AbortSignal.abort())));
    return { ...member, queue };
  }
  const depthIs = async (queue: PostgresqlQueue, expected: object) =>
    waitFor(() => Object.entries(expected).every(([key, value]) => Object(queue.depth())[key] === value), {
      timeout: 20_000,
      what: JSON.stringify(expected),
    });
  const isEmpty = (queue: PostgresqlQueue) => depthIs(queue, { waiting: 0, running: 0, delayed: 0 });
  const rows = async (where = 'true') =>
    (await (await archive.open()).query(`SELECT FROM plainview_jobs.jobs WHERE ${where}`)).count;
  /** The engine of a killed process does nothing more; this one cannot. */
  async function kill({ proxy, membership, database }: Awaited<ReturnType<typeof start>>) {
    proxy.isCut = true;
    proxy.cut();
    const direct = await archive.open();
    await waitFor(async () => {
      await archive.expire(direct, membership.who);
      return (
        (await direct.query('SELECT FROM plainview.members WHERE who = $1', [membership.who])).count === 0
      );
    });
    return database;
  }

  test('runs the jobs that a former version left', async () => {
    const client = new Client({ connectionString: archive.address });
    await client.connect();
    await client.query(readFileSync('testkit/upgrade/database-2.sql', 'utf8'));
    await client.end();
    const { queue } = await start('a', held('a'), 2);
    await end('a 1');
    await end('a 2');
    expect(started.toSorted()).toEqual(['a 1#1', 'a 2#1']);
    await isEmpty(queue);
  });

  test('gives each job to one of them', async () => {
    const seen = { one: 0, two: 0 };
    const count = (who: 'one' | 'two') => async () => {
      seen[who]++;
      await new Promise(setImmediate);
      return settled;
    };
    const one = await start('one', count('one'), 2);
    const two = await start('two', count('two'), 2);
    let told = 0;
    for (let n = 1; n <= 200; n++)
      (n % 2 === 0 ? one : two).queue.enqueue(id(n), n % 3 === 0 ? 'hook' : 'changes', {
        settled: () => told++,
      });
    await waitFor(() => told === 200);
    expect(seen.one + seen.two).toBe(200);
    expect(Math.min(seen.one, seen.two)).toBeGreaterThan(20);
    await isEmpty(one.queue);
    expect(await rows()).toBe(0);
  });

  test('runs an instance that is enqueued elsewhere while it runs once more, not at the same time', async () => {
    const [one, two] = [await start('one'), await start('two')];
    two.queue.pause();
    one.queue.enqueue(id(1), 'hook');
    await waitFor(() => started.length === 1);
    two.queue.resume();
    two.queue.enqueue(id(1), 'hook');
    two.queue.enqueue(id(2), 'hook');
    await waitFor(async () => (await rows('locked_at IS NOT NULL')) === 3);
    expect(started.filter((each) => each.includes(' 1#'))).toHaveLength(1);
    await end('one 1');
    await waitFor(() => started.filter((each) => each.includes(' 1#')).length === 2);
    for (const job of [...open.keys()]) await end(job);
    while (started.length < 3 || open.size > 0) {
      await waitFor(() => open.size > 0 || started.length === 3);
      for (const job of [...open.keys()]) await end(job);
    }
    await isEmpty(one.queue);
    expect(most).toBe(1);
    expect(started).toHaveLength(3);
  });

  test('runs the urgent jobs of all before the backlog of any', async () => {
    const seen: number[] = [];
    const one = await start('one', async ({ instance }) => {
      seen.push(Number.parseInt(instance.slice(0, 8), 16));
      return settled;
    });
    const two = await start('two');
    one.queue.pause();
    two.queue.pause();
    for (let n = 1; n <= 20; n++) two.queue.enqueue(id(n), 'changes');
    await waitFor(async () => (await rows()) === 20);
    for (let n = 101; n <= 110; n++) two.queue.enqueue(id(n), 'hook');
    await waitFor(async () => (await rows()) === 30);
    one.queue.resume();
    await waitFor(() => seen.length === 30);
    // One of the backlog may come while the next urgent one is fetched.
    expect(seen.slice(0, 20).filter((n) => n > 100)).toHaveLength(10);
  });

  test('calls the listener of a job that another process settles', async () => {
    const [one, two] = [await start('one'), await start('two')];
    one.queue.pause();
    let told = 0;
    one.queue.enqueue(id(1), 'request', { settled: () => told++ });
    await waitFor(() => started.length === 1);
    expect(told).toBe(0);
    await end('two 1');
    await waitFor(() => told === 1);
    await isEmpty(two.queue);
  });

  test('has a job that runs again run anywhere, with its attempts', async () => {
    const [one, two] = [await start('one'), await start('two')];
    two.queue.pause();
    one.queue.enqueue(id(1), 'hook');
    await waitFor(() => started.length === 1);
    one.queue.pause();
    two.queue.resume();
    await end('one 1', { kind: 'retry', afterMs: 30, countsAsAttempt: true });
    await end('two 1');
    expect(started).toEqual(['one 1#1', 'two 1#2']);
  });

  test('gives the jobs of a process that dies to others, which alone can end them', async () => {
    const two = await start('two');
    await two.membership.someLeads();
    two.queue.pause();
    const one = await start('one');
    one.queue.enqueue(id(1), 'hook');
    await waitFor(() => started.length === 1);
    two.queue.resume();
    await kill(one);
    const ended = performance.now();
    await waitFor(() => started.length === 2);
    expect(performance.now() - ended).toBeLessThan(6000);
    // What was suspended wakes up, and ends the job that another one has.
    one.proxy.isCut = false;
    await end('one 1');
    await one.membership.lost;
    await waitFor(() => one.proxy.refused > 0);
    expect(await rows()).toBe(1);
    await end('two 1');
    await isEmpty(two.queue);
    expect(started).toEqual(['one 1#1', 'two 1#1']);
    expect(await rows()).toBe(0);
  });

  test('keeps nothing of a job that was enqueued again while it ran and whose process died', async () => {
    const two = await start('two');
    await two.membership.someLeads();
    two.queue.pause();
    const one = await start('one');
    one.queue.enqueue(id(1), 'hook');
    await waitFor(() => started.length === 1);
    two.queue.enqueue(id(1), 'hook');
    await waitFor(async () => (await rows()) === 2);
    await kill(one);
    two.queue.resume();
    await end('two 1');
    await isEmpty(two.queue);
    await waitFor(async () => (await rows()) === 0);
  });

  test('frees a job that was taken by a process after its membership had ended', async () => {
    const two = await start('two');
    await two.membership.someLeads();
    const direct = await archive.open();
    two.queue.pause();
    two.queue.enqueue(id(1), 'hook');
    await waitFor(async () => (await rows()) === 1);
    await direct.query("UPDATE plainview_jobs._private_jobs SET locked_by = 'nobody', locked_at = now()");
    two.queue.resume();
    await end('two 1');
  });

  test('gives what a process had taken to others at once when it stops and leaves', async () => {
    const [one, two] = [await start('one'), await start('two')];
    two.queue.pause();
    for (const n of [1, 2, 3]) one.queue.enqueue(id(n), 'hook');
    await waitFor(() => started.length === 1);
    const back = await one.queue.stop(AbortSignal.timeout(20));
    expect(back.map(({ instance }) => instance)).toContain(id(Number(started[0]?.slice(4, 5))));
    await one.membership.leave();
    two.queue.resume();
    for (let n = 0; n < 3; n++) {
      await waitFor(() => open.size > 0 && [...open.keys()].some((job) => job.startsWith('two')));
      await end([...open.keys()].find((job) => job.startsWith('two')) ?? '');
    }
    await isEmpty(two.queue);
    expect(started.filter((job) => job.startsWith('two')).toSorted()).toEqual(
      [1, 2, 3].map((n) => `two ${n}#1`),
    );
  });

  test('waits, at a stop, until the end of a job is written', async () => {
    const one = await start('one');
    one.queue.enqueue(id(1), 'hook');
    await waitFor(() => started.length === 1);
    const client = new Client(archive.address);
    await client.connect();
    await client.query('BEGIN');
    await client.query('SELECT FROM plainview_jobs._private_jobs FOR UPDATE');
    const stopped = one.queue.stop(AbortSignal.timeout(10_000));
    await end('one 1');
    await waitFor(() => archive.someWait());
    await client.query('COMMIT');
    await client.end();
    expect(await stopped).toEqual([]);
    expect(await rows()).toBe(0);
  });

  test('takes nothing while it is paused', async () => {
    const one = await start('one');
    const two = await start('two');
    one.queue.pause();
    for (let n = 1; n <= 5; n++) {
      one.queue.enqueue(id(n), n % 2 === 0 ? 'hook' : 'changes');
      await end(`two ${n}`);
    }
    await isEmpty(two.queue);
    expect(started.every((each) => each.startsWith('two'))).toBe(true);
    two.queue.pause();
    one.queue.resume();
    two.queue.enqueue(id(6), 'hook');
    await end('one 6');
  });

  test('keeps what is enqueued while the database is away, and works again when it is back', async () => {
    const one = await start('one');
    // It runs while the database goes away, and ends during that.
    one.queue.enqueue(id(1), 'hook');
    await waitFor(() => started.length === 1);
    // While the database is away, the depth is that of the last look.
    await depthIs(one.queue, { waiting: 0, running: 1 });
    one.proxy.isCut = true;
    one.proxy.cut();
    await end('one 1');
    let told = 0;
    one.queue.enqueue(id(2), 'hook', { settled: () => told++ });
    one.queue.enqueue(id(3), 'changes', { settled: () => told++ });
    await depthIs(one.queue, { waiting: 2 });
    // For longer than statements are repeated.
    await waitFor(() => one.proxy.refused > 60, { what: 'refused connections' });
    one.proxy.isCut = false;
    for (let count = 0; count < 2; count++)
      await waitFor(() => open.size > 0).then(() => end([...open.keys()][0] ?? ''));
    await waitFor(() => told === 2, { what: 'the end of both jobs' });
    await waitFor(async () => (await rows()) === 0, { timeout: 20_000 });
    // All its workers take jobs.
    for (let n = 11; n <= 14; n++) one.queue.enqueue(id(n), n % 2 === 0 ? 'hook' : 'changes');
    for (let n = 11; n <= 14; n++)
      await waitFor(() => open.size > 0).then(() => end([...open.keys()][0] ?? ''));
    await waitFor(async () => (await rows()) === 0, { timeout: 20_000 });
    expect(started.map((each) => each.split(/[ #]/)[1]).toSorted()).toEqual(
      [1, 2, 3, 11, 12, 13, 14].map(String).toSorted(),
    );
  });

  test('takes jobs where the database went away during its first statement', async () => {
    const client = new Client(archive.address);
    const one = await start('one', held('one'), 1, async () => {
      await client.connect();
      await client.query('BEGIN');
      await client.query('LOCK TABLE plainview_jobs._private_tasks');
    });
    await waitFor(() => archive.someWait(), { what: 'the first statement' });
    one.proxy.cut();
    await client.query('ROLLBACK');
    await client.end();
    for (const [n, reason] of [[1, 'hook'] as const, [2, 'changes'] as const]) {
      one.queue.enqueue(id(n), reason);
      await end(`one ${n}`);
    }
    await waitFor(async () => (await rows()) === 0, { what: 'the end of both jobs' });
  });

  test('soon after the database was away for some seconds, the depth is of now', {
    timeout: 60_000,
  }, async () => {
    const one = await start('one');
    one.queue.enqueue(id(1), 'hook');
    one.queue.enqueue(id(2), 'hook');
    one.queue.enqueue(id(3), 'hook');
    await depthIs(one.queue, { running: 1 });
    one.proxy.isCut = true;
    one.proxy.cut();
    await waitFor(() => one.proxy.refused > 45, { timeout: 20_000 });
    one.proxy.isCut = false;
    for (const n of [1, 2, 3]) await end(`one ${n}`);
    await isEmpty(one.queue);
  });

  test.each([1, 2])(
    'loses no job whose taking it never learnt of, because the database went away (%s)',
    async (places) => {
      const one = await start('one', held('one'), places);
      const direct = await archive.open();
      // The workers wait for jobs.
      one.queue.enqueue(id(9), 'hook');
      await end('one 9');
      await waitFor(async () => (await rows()) === 0);
      // Taking a job waits for a lock, so that the database goes away before it is answered, however busy the machine is.
      await direct.query(
        `CREATE FUNCTION plainview.slow() RETURNS trigger LANGUAGE plpgsql
       AS $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$`,
      );
      await direct.query(
        `CREATE TRIGGER slow BEFORE UPDATE ON plainview_jobs._private_jobs
       FOR EACH ROW WHEN (NEW.locked_by IS NOT NULL) EXECUTE FUNCTION plainview.slow()`,
      );
      const client = new Client(archive.address);
      await client.connect();
      await client.query('SELECT pg_advisory_lock(1)');
      one.queue.enqueue(id(1), 'hook');
      await waitFor(() => archive.someWait());
      one.proxy.cut();
      await client.end();
      await waitFor(async () => (await rows('locked_at IS NOT NULL')) > 0);
      await direct.query('DROP TRIGGER slow ON plainview_jobs._private_jobs');
      await end('one 1');
      await waitFor(async () => (await rows()) === 0);
    },
  );

  test('adds once more what another process takes at that moment', async () => {
    const one = await start('one');
    one.queue.pause();
    one.queue.enqueue(id(1), 'hook');
    await waitFor(async () => (await rows()) === 1);
    const client = new Client(archive.address);
    await client.connect();
    await client.query('BEGIN');
    await client.query("UPDATE plainview_jobs._private_jobs SET locked_by = 'another', locked_at = now()");
    let told = 0;
    one.queue.enqueue(id(1), 'request', { settled: () => told++ });
    await waitFor(() => archive.someWait());
    await client.query('COMMIT');
    await client.query("UPDATE plainview.members SET workers = workers || '{another}'");
    await client.end();
    await waitFor(async () => (await rows()) === 2);
    expect(told).toBe(0);
    one.queue.resume();
    await end('one 1');
    await waitFor(() => told === 1);
  });

  test('keeps a job whose lock cannot be taken', async () => {
    const one = await start('one');
    const client = new Client(archive.address);
    await client.connect();
    await client.query('BEGIN');
    await client.query('LOCK TABLE plainview.locks IN ACCESS EXCLUSIVE MODE');
    one.queue.enqueue(id(1), 'hook');
    await depthIs(one.queue, { delayed: 1 });
    await client.query('COMMIT');
    await client.end();
    await end('one 1');
    await isEmpty(one.queue);
    expect(started).toEqual(['one 1#1']);
  });
});
