import { AsyncLocalStorage } from 'node:async_hooks';
import { pino } from 'pino';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { instanceId } from '../../../src/orthanc/ids.js';
import { AdmissionPolicy } from '../../../src/queue/admission-policy.js';
import { MemoryQueue } from '../../../src/queue/memory.js';
import { PostgresqlQueue } from '../../../src/queue/postgresql.js';
import type { Handler, JobOutcome, Queue, QueueDepth } from '../../../src/queue/queue.js';
import { SharedLocks } from '../../../src/store/postgresql/open.js';
import { TestArchive } from '../../../testkit/members.js';
import { type Postgresql, startPostgresql } from '../../../testkit/postgresql.js';
import { waitFor as waitForever } from '../../../testkit/wait-for.js';

const waitFor = <T>(condition: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> =>
  waitForever(condition, { timeout: 15_000 });

const server = await startPostgresql();
if (server === undefined)
  console.warn('PostgreSQL is not installed: the tests of the queue in a database are skipped.');
afterAll(() => server?.stop());

/** Every implementation must pass these tests. Add a new one here. */
const queues: Record<string, { isThere: boolean; create: typeof createMemory }> = {
  memory: { isThere: true, create: createMemory },
  postgresql: { isThere: server !== undefined, create: createPostgresql },
};

async function createMemory(concurrency: number, handler: Handler): Promise<Queue> {
  return new MemoryQueue(new AdmissionPolicy({ concurrency, backlog: concurrency }, 0), handler);
}

const archives: TestArchive[] = [];
async function createPostgresql(concurrency: number, handler: Handler): Promise<Queue> {
  const archive = await TestArchive.create(server as Postgresql);
  archives.push(archive);
  const database = await archive.open();
  const membership = await archive.join(database, 'one');
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
  archive.onClose(async () => void (await queue.stop(AbortSignal.abort())));
  queue.start();
  return queue;
}

/** Waits until the jobs have arrived in the database, and so many of them were taken. */
async function arrived(jobs: number, taken: number): Promise<void> {
  const database = await archives[0]?.open();
  await waitFor(async () => {
    const found = await database?.query(
      `SELECT FROM plainview_jobs.jobs HAVING count(key) = $1 AND count(locked_at) = $2`,
      [jobs, taken],
    );
    return found === undefined || found.count === 1;
  });
}

const id = (n: number) => instanceId.parse(`${n.toString(16).padStart(8, '0')}${'-00000000'.repeat(4)}`);
const settled: JobOutcome = { kind: 'settled' };

/** A handler whose jobs the test ends. */
function held() {
  const started: string[] = [];
  const open = new Map<string, (verdict: JobOutcome) => void>();
  const handler: Handler = (job) => {
    started.push(`${job.instance}#${job.attempt}`);
    return new Promise((resolve) => open.set(job.instance, resolve));
  };
  const end = async (n: number, verdict = settled) => {
    await waitFor(() => open.has(id(n)));
    const resolve = open.get(id(n));
    open.delete(id(n));
    resolve?.(verdict);
  };
  return { started, handler, end };
}

describe.each(Object.entries(queues))('%s queue', (_name, { isThere, create }) => {
  describe.skipIf(!isThere)('', () => {
    afterEach(async () => {
      for (const archive of archives.splice(0)) await archive.close();
    });
    const depthIs = (queue: Queue, expected: Partial<QueueDepth>) =>
      waitFor(() => {
        const depth = queue.depth();
        return Object.entries(expected).every(([key, value]) => depth[key as keyof QueueDepth] === value);
      });
    const isEmpty = (queue: Queue) => depthIs(queue, { waiting: 0, running: 0, delayed: 0 });

    test('runs N jobs at a time, and then the next', async () => {
      const { started, handler, end } = held();
      const queue = await create(2, handler);
      for (const n of [1, 2]) queue.enqueue(id(n), 'hook');
      await waitFor(() => started.length === 2);
      for (const n of [3, 4]) queue.enqueue(id(n), 'hook');
      await depthIs(queue, { waiting: 2, running: 2, delayed: 0 });
      await end(1);
      await waitFor(() => started.length === 3);
      await end(2);
      await waitFor(() => started.length === 4);
      expect(started.slice(2)).toEqual([`${id(3)}#1`, `${id(4)}#1`]);
      await end(3);
      await end(4);
      expect(await queue.stop(AbortSignal.timeout(5000))).toEqual([]);
    });

    test('keeps the order of arrival', async () => {
      const seen: string[] = [];
      const queue = await create(1, async ({ instance }) => {
        seen.push(instance);
        return settled;
      });
      queue.pause();
      const all = Array.from({ length: 30 }, (_, n) => id((n * 17) % 31));
      for (const instance of all) queue.enqueue(instance, 'hook');
      queue.resume();
      await waitFor(() => seen.length === 30);
      // Several that are taken at the same moment may change places.
      for (const [index, instance] of seen.entries())
        expect(Math.abs(all.indexOf(instanceId.parse(instance)) - index)).toBeLessThanOrEqual(2);
    });

    test('a job of the backlog that a sweep wants too runs as one of the sweep', async () => {
      const seen: string[] = [];
      const { handler, end, started } = held();
      const queue = await create(1, (job) => {
        seen.push(`${job.instance} ${job.reason}`);
        return handler(job);
      });
      queue.enqueue(id(9), 'hook');
      await waitFor(() => started.length === 1);
      for (const [n, ...reasons] of [
        [1, 'changes', 'sweep'],
        [2, 'sweep', 'changes'],
        [3, 'changes', 'changes'],
      ] as const)
        for (const reason of reasons) {
          queue.enqueue(id(n), reason);
          await depthIs(queue, { waiting: n });
        }
      for (const n of [9, 1, 2, 3]) await end(n);
      await isEmpty(queue);
      expect(seen.slice(1)).toEqual([`${id(1)} sweep`, `${id(2)} sweep`, `${id(3)} changes`]);
    });

    test('a job does not run in the context of whoever enqueued it, who may hold locks', async () => {
      const context = new AsyncLocalStorage<string>();
      const seen: unknown[] = [];
      const queue = await create(1, async ({ attempt }) => {
        seen.push(context.getStore());
        return attempt === 1 ? { kind: 'retry', afterMs: 1, countsAsAttempt: true } : settled;
      });
      context.run('a lock', () => queue.enqueue(id(1), 'hook'));
      await waitFor(() => seen.length === 2);
      await isEmpty(queue);
      expect(seen).toEqual([undefined, undefined]);
    });

    test('an instance that is enqueued twice while it waits has one run', async () => {
      const { started, handler, end } = held();
      const queue = await create(1, handler);
      queue.enqueue(id(1), 'hook');
      await waitFor(() => started.length === 1);
      for (const n of [2, 2]) queue.enqueue(id(n), 'hook');
      await end(1);
      await end(2);
      await isEmpty(queue);
      expect(started).toEqual([`${id(1)}#1`, `${id(2)}#1`]);
    });

    test('an instance that is enqueued while its job runs has one more run', async () => {
      const { started, handler, end } = held();
      const queue = await create(1, handler);
      queue.enqueue(id(1), 'hook');
      await waitFor(() => started.length === 1);
      queue.enqueue(id(1), 'hook');
      queue.enqueue(id(1), 'hook');
      await arrived(1, 2);
      await end(1);
      await end(1);
      await isEmpty(queue);
      expect(started).toHaveLength(2);
    });

    test('a job that runs again counts its attempts and does not delay others', async () => {
      const { started, handler, end } = held();
      const queue = await create(1, handler);
      queue.enqueue(id(1), 'hook');
      await waitFor(() => started.length === 1);
      queue.enqueue(id(2), 'hook');
      await arrived(2, 2);
      await end(1, { kind: 'retry', afterMs: 5, countsAsAttempt: true });
      await end(2);
      await end(1, { kind: 'retry', afterMs: 0, countsAsAttempt: false });
      await end(1);
      await isEmpty(queue);
      expect(started).toEqual([`${id(1)}#1`, `${id(2)}#1`, `${id(1)}#2`, `${id(1)}#2`]);
    });

    test('jobs that wait for their next run take no place', async () => {
      const { started, handler, end } = held();
      const queue = await create(2, handler);
      for (const n of [1, 2, 3, 4, 5, 6]) {
        queue.enqueue(id(n), 'hook');
        await end(n, { kind: 'retry', afterMs: 60_000, countsAsAttempt: true });
      }
      await depthIs(queue, { waiting: 0, running: 0, delayed: 6, oldestSeconds: 0 });
      queue.enqueue(id(7), 'changes');
      await end(7);
      expect(started).toHaveLength(7);
    });

    test('an urgent job comes before the backlog, also where the instance was in the backlog', async () => {
      const { started, handler, end } = held();
      const queue = await create(1, handler);
      queue.enqueue(id(1), 'changes');
      await waitFor(() => started.length === 1);
      for (const n of [2, 3, 4]) queue.enqueue(id(n), 'changes');
      await depthIs(queue, { waiting: 3 });
      queue.enqueue(id(4), 'hook');
      queue.enqueue(id(5), 'hook');
      await arrived(5, 3);
      await end(1);
      await waitFor(() => started.length === 2);
      // The two were taken at the same moment.
      const first = started[1] === `${id(4)}#1` ? 4 : 5;
      for (const n of [first, 9 - first, 2, 3]) await end(n);
      await isEmpty(queue);
      expect(started).toEqual([1, first, 9 - first, 2, 3].map((n) => `${id(n)}#1`));
    });

    test('an urgent request during a backlog run of the instance comes next, whatever else enqueued it', async () => {
      const { started, handler, end } = held();
      const queue = await create(1, handler);
      queue.enqueue(id(1), 'changes');
      await waitFor(() => started.length === 1);
      queue.enqueue(id(2), 'changes');
      for (const reason of ['changes', 'request', 'changes'] as const) queue.enqueue(id(1), reason);
      await arrived(2, 2);
      for (const n of [1, 1, 2]) await end(n);
      await waitFor(() => started.length === 3);
      expect(started).toEqual([1, 1, 2].map((n) => `${id(n)}#1`));
    });

    test('an instance that becomes urgent before its next run comes before the backlog, and keeps its attempts', async () => {
      const { started, handler, end } = held();
      const queue = await create(1, handler);
      queue.enqueue(id(1), 'changes');
      await end(1, { kind: 'retry', afterMs: 1500, countsAsAttempt: true });
      for (const n of [2, 3]) queue.enqueue(id(n), 'changes');
      await waitFor(() => started.length === 2);
      await depthIs(queue, { waiting: 1, running: 1, delayed: 1 });
      queue.enqueue(id(1), 'request');
      await depthIs(queue, { waiting: 2, running: 1, delayed: 0 });
      for (const n of [2, 1, 3]) await end(n);
      await isEmpty(queue);
      expect(started).toEqual([`${id(1)}#1`, `${id(2)}#1`, `${id(1)}#2`, `${id(3)}#1`]);
    });

    test.each(['while it waits', 'while it runs'])(
      'an instance that becomes urgent %s comes before the backlog also in its next run',
      async (moment) => {
        const { started, handler, end } = held();
        const queue = await create(1, handler);
        queue.enqueue(id(1), 'changes');
        await waitFor(() => started.length === 1);
        queue.enqueue(id(2), 'changes');
        if (moment === 'while it waits') queue.enqueue(id(2), 'request');
        await end(1);
        await waitFor(() => started.length === 2);
        if (moment === 'while it runs') queue.enqueue(id(2), 'request');
        for (const n of [3, 4]) queue.enqueue(id(n), 'changes');
        await arrived(3, 2);
        await end(2, { kind: 'retry', afterMs: 0, countsAsAttempt: true });
        // One of the backlog may have been taken already, where a job that runs again goes back.
        for (let count = 3; count <= 5; count++) {
          await waitFor(() => started.length === count);
          await end(Number.parseInt(started[count - 1]?.slice(0, 8) ?? '', 16));
        }
        await isEmpty(queue);
        const order = started.map((each) => Number.parseInt(each.slice(0, 8), 16));
        expect(order.slice(0, 2)).toEqual([1, 2]);
        expect(order.lastIndexOf(2)).toBeLessThan(4);
        expect(order).toHaveLength(5);
      },
    );

    test('calls every listener when the job is settled, not before', async () => {
      const { started, handler, end } = held();
      const queue = await create(1, handler);
      const told: string[] = [];
      queue.enqueue(id(1), 'changes', { settled: () => told.push('first') });
      await waitFor(() => started.length === 1);
      queue.enqueue(id(2), 'changes', { settled: () => told.push('second') });
      queue.enqueue(id(2), 'hook', { settled: () => told.push('second again') });
      await arrived(2, 2);
      await end(1, { kind: 'retry', afterMs: 0, countsAsAttempt: true });
      await end(2);
      await waitFor(() => told.length === 2);
      await waitFor(() => started.length === 3);
      queue.enqueue(id(1), 'hook', { settled: () => told.push('enqueued while it ran') });
      await arrived(1, 2);
      expect(told).toEqual(['second', 'second again']);
      await end(1);
      await end(1);
      await waitFor(() => told.length === 4);
      expect(told.slice(2)).toEqual(['first', 'enqueued while it ran']);
    });

    test('it tells for how long the oldest job of this process runs', async () => {
      const { started, handler, end } = held();
      const queue = await create(2, handler);
      expect(queue.longestRun()).toBe(0);
      for (const n of [1, 2]) queue.enqueue(id(n), 'hook');
      await waitFor(() => started.length === 2 && queue.longestRun() > 0.05);
      const first = started[0]?.startsWith(id(1)) ? 1 : 2;
      const before = queue.longestRun();
      await waitFor(() => queue.longestRun() > before);
      await end(first);
      await end(3 - first);
      await waitFor(() => queue.longestRun() === 0);
    });

    test('a paused queue begins no job, a resumed one continues', async () => {
      const { started, handler, end } = held();
      const queue = await create(1, handler);
      queue.pause();
      queue.enqueue(id(1), 'hook');
      await depthIs(queue, { waiting: 1, running: 0, delayed: 0 });
      queue.resume();
      await end(1);
      expect(started).toHaveLength(1);
    });

    test('a stop waits for running jobs, and begins no other', async () => {
      const { started, handler, end } = held();
      const queue = await create(1, handler);
      for (const n of [1, 2, 3]) queue.enqueue(id(n), 'hook');
      await waitFor(() => started.length === 1);
      let isStopped = false;
      const stopped = queue.stop(AbortSignal.timeout(10_000)).then(() => {
        isStopped = true;
      });
      await new Promise(setImmediate);
      expect(isStopped).toBe(false);
      const running = [1, 2, 3].find((n) => started[0] === `${id(n)}#1`);
      await end(running ?? 0);
      await stopped;
      expect(started).toHaveLength(1);
    });

    test('a stop waits only until its deadline and returns the jobs that still run', async () => {
      const { started, handler } = held();
      const queue = await create(1, handler);
      queue.enqueue(id(1), 'hook');
      await waitFor(() => started.length === 1);
      expect((await queue.stop(AbortSignal.timeout(10))).map((job) => job.instance)).toEqual([id(1)]);
    });
  });
});

test('a stop of a queue in memory returns all jobs that are not settled, delayed ones too', async () => {
  const { handler, end } = held();
  const queue = await createMemory(1, handler);
  for (const n of [1, 2, 3]) queue.enqueue(id(n), 'hook');
  await end(1, { kind: 'retry', afterMs: 60_000, countsAsAttempt: true });
  await waitFor(() => queue.depth().delayed === 1);
  const stopped = queue.stop(AbortSignal.timeout(10_000));
  await end(2);
  const back = await stopped;
  expect(back.map((job) => job.instance).sort()).toEqual([id(1), id(3)]);
});
