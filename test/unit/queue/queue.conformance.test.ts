import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test, vi } from 'vitest';
import { instanceId } from '../../../src/orthanc/ids.js';
import { AdmissionPolicy } from '../../../src/queue/admission-policy.js';
import { MemoryQueue } from '../../../src/queue/memory.js';
import type { Handler, JobOutcome, Queue } from '../../../src/queue/queue.js';

/** Every implementation must pass these tests. Add a new one here. */
const queues: Record<string, (concurrency: number, handler: Handler) => Queue> = {
  memory: (concurrency, handler) =>
    new MemoryQueue(new AdmissionPolicy({ concurrency, backlog: concurrency }, 0), handler),
};

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
    await vi.waitUntil(() => open.has(id(n)));
    const resolve = open.get(id(n));
    open.delete(id(n));
    resolve?.(verdict);
  };
  return { started, handler, end };
}

describe.each(Object.entries(queues))('%s queue', (_name, create) => {
  test('runs N jobs at a time, in the order of arrival', async () => {
    const { started, handler, end } = held();
    const queue = create(2, handler);
    for (const n of [1, 2, 3]) queue.enqueue(id(n), 'hook');
    await vi.waitUntil(() => started.length === 2);
    expect(queue.depth()).toEqual({ waiting: 1, running: 2, delayed: 0 });
    await end(1);
    await vi.waitUntil(() => started.length === 3);
    expect(started).toEqual([`${id(1)}#1`, `${id(2)}#1`, `${id(3)}#1`]);
    await end(2);
    await end(3);
    expect(await queue.stop(AbortSignal.timeout(1000))).toEqual([]);
  });

  test('a job does not run in the context of whoever enqueued it, who may hold locks', async () => {
    const context = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const queue = create(1, async ({ attempt }) => {
      seen.push(context.getStore());
      return attempt === 1 ? { kind: 'retry', afterMs: 1, countsAsAttempt: true } : settled;
    });
    context.run('a lock', () => queue.enqueue(id(1), 'hook'));
    await vi.waitUntil(() => seen.length === 2 && queue.depth().running === 0);
    expect(seen).toEqual([undefined, undefined]);
  });

  test('an instance that is enqueued twice while it waits has one run', async () => {
    const { started, handler, end } = held();
    const queue = create(1, handler);
    for (const n of [1, 2, 2]) queue.enqueue(id(n), 'hook');
    await end(1);
    await end(2);
    await vi.waitUntil(() => queue.depth().running === 0);
    expect(started).toEqual([`${id(1)}#1`, `${id(2)}#1`]);
  });

  test('an instance that is enqueued while its job runs has one more run', async () => {
    const { started, handler, end } = held();
    const queue = create(1, handler);
    queue.enqueue(id(1), 'hook');
    await vi.waitUntil(() => started.length === 1);
    queue.enqueue(id(1), 'hook');
    queue.enqueue(id(1), 'hook');
    await end(1);
    await end(1);
    await vi.waitUntil(() => queue.depth().running === 0);
    expect(started).toHaveLength(2);
  });

  test('a job that runs again counts its attempts and does not delay others', async () => {
    const { started, handler, end } = held();
    const queue = create(1, handler);
    queue.enqueue(id(1), 'hook');
    queue.enqueue(id(2), 'hook');
    await end(1, { kind: 'retry', afterMs: 5, countsAsAttempt: true });
    await end(2);
    await end(1, { kind: 'retry', afterMs: 0, countsAsAttempt: false });
    await end(1);
    await vi.waitUntil(() => queue.depth().running === 0);
    expect(started).toEqual([`${id(1)}#1`, `${id(2)}#1`, `${id(1)}#2`, `${id(1)}#2`]);
  });

  test('an urgent job comes before the backlog, also where the instance was in the backlog', async () => {
    const { started, handler, end } = held();
    const queue = create(1, handler);
    for (const n of [1, 2, 3, 4]) queue.enqueue(id(n), 'changes');
    queue.enqueue(id(4), 'hook');
    queue.enqueue(id(5), 'hook');
    for (const n of [1, 4, 5, 2, 3]) await end(n);
    await vi.waitUntil(() => queue.depth().running === 0);
    expect(started).toEqual([1, 4, 5, 2, 3].map((n) => `${id(n)}#1`));
  });

  test('an urgent request during a backlog run of the instance comes next, whatever else enqueued it', async () => {
    const { started, handler, end } = held();
    const queue = create(1, handler);
    for (const n of [1, 2]) queue.enqueue(id(n), 'changes');
    await vi.waitUntil(() => started.length === 1);
    for (const reason of ['changes', 'request', 'changes'] as const) queue.enqueue(id(1), reason);
    for (const n of [1, 1, 2]) await end(n);
    expect(started).toEqual([1, 1, 2].map((n) => `${id(n)}#1`));
  });

  test.each(['while it waits', 'while it runs', 'before its next run'])(
    'an instance that becomes urgent %s comes before the backlog also in its next run',
    async (moment) => {
      const { started, handler, end } = held();
      const queue = create(1, handler);
      for (const n of [1, 2, 3]) queue.enqueue(id(n), 'changes');
      if (moment === 'while it waits') queue.enqueue(id(2), 'request');
      await end(1);
      await vi.waitUntil(() => started.length === 2);
      if (moment === 'while it runs') queue.enqueue(id(2), 'request');
      queue.enqueue(id(4), 'changes');
      await end(2, { kind: 'retry', afterMs: 20, countsAsAttempt: true });
      await vi.waitUntil(() => started.length === 3);
      if (moment === 'before its next run') queue.enqueue(id(2), 'request');
      await vi.waitUntil(() => queue.depth().delayed === 0);
      for (const n of [3, 2, 4]) await end(n);
      expect(started).toEqual([`${id(1)}#1`, `${id(2)}#1`, `${id(3)}#1`, `${id(2)}#2`, `${id(4)}#1`]);
    },
  );

  test('calls every listener when the job is settled, not before', async () => {
    const { handler, end } = held();
    const queue = create(1, handler);
    const settled: string[] = [];
    queue.enqueue(id(1), 'changes', { settled: () => settled.push('first') });
    queue.enqueue(id(1), 'hook', { settled: () => settled.push('enqueued while it ran') });
    queue.enqueue(id(2), 'changes', { settled: () => settled.push('second') });
    queue.enqueue(id(2), 'hook', { settled: () => settled.push('second again') });
    await end(1, { kind: 'retry', afterMs: 0, countsAsAttempt: true });
    expect(settled).toEqual([]);
    await end(2);
    await end(1);
    await vi.waitUntil(() => settled.length === 4);
    expect(settled).toEqual(['second', 'second again', 'first', 'enqueued while it ran']);
  });

  test('a paused queue begins no job, a resumed one continues', async () => {
    const { started, handler, end } = held();
    const queue = create(1, handler);
    queue.pause();
    queue.enqueue(id(1), 'hook');
    expect(queue.depth()).toEqual({ waiting: 1, running: 0, delayed: 0 });
    queue.resume();
    await end(1);
    expect(started).toHaveLength(1);
  });

  test('a stop waits for running jobs and returns the others, delayed jobs too', async () => {
    const { handler, end } = held();
    const queue = create(1, handler);
    for (const n of [1, 2, 3]) queue.enqueue(id(n), 'hook');
    await end(1, { kind: 'retry', afterMs: 60_000, countsAsAttempt: true });
    await vi.waitUntil(() => queue.depth().delayed === 1);
    const stopped = queue.stop(AbortSignal.timeout(10_000));
    await end(2);
    const back = await stopped;
    expect(back.map((job) => job.instance).sort()).toEqual([id(1), id(3)]);
  });

  test('a stop waits only until its deadline and returns the jobs that still run', async () => {
    const { started, handler } = held();
    const queue = create(1, handler);
    queue.enqueue(id(1), 'hook');
    await vi.waitUntil(() => started.length === 1);
    expect((await queue.stop(AbortSignal.timeout(10))).map((job) => job.instance)).toEqual([id(1)]);
  });
});
