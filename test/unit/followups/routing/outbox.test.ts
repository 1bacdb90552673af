import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, test } from 'vitest';
import { createError } from '../../../../src/errors/errors.js';
import type { Destination } from '../../../../src/followups/routing/destinations/destination.js';
import type { DueRoute, RouteResult } from '../../../../src/followups/routing/ledger.js';
import { LoopGuard } from '../../../../src/followups/routing/loop-guard.js';
import { Outbox } from '../../../../src/followups/routing/outbox.js';
import { RouteMetrics } from '../../../../src/followups/routing/route-metrics.js';
import { mayMeanAway } from '../../../../src/orthanc/availability.js';
import { type InstanceId, instanceId, seriesId } from '../../../../src/orthanc/ids.js';
import { waitFor } from '../../../../testkit/orthanc.js';

const id = (n: number): InstanceId =>
  instanceId.parse(Array.from({ length: 5 }, () => n.toString(16).padStart(8, '0')).join('-'));

let outbox: Outbox | undefined;
afterEach(() => outbox?.stop());

/** An outbox with a list as its ledger. `take` decides whether the destination accepts a batch. */
function create(take: (ids: InstanceId[]) => Promise<void>, over: { refill?: () => Promise<void> } = {}) {
  const endings = new Map<InstanceId, RouteResult>();
  const sends: InstanceId[][] = [];
  /** Instances with a new decision since they were returned as due: their result belongs to the earlier decision. */
  const redecided = new Set<InstanceId>();
  const due = (instance: InstanceId): DueRoute => ({
    resource: { ID: instance, ParentSeries: seriesId.parse(instance), Metadata: {}, Labels: [] },
    route: {
      to: 'peer:p',
      rule: 'r',
      of: 'w',
      decision: 'category',
      category: `the ${sends.length}th`,
      state: 'pending',
      asked: '',
    },
    sentBefore: false,
  });
  const destination: Destination<DueRoute> = {
    name: 'peer:p',
    maxBatch: 16,
    send: async (all) => {
      const ids = all.map(({ resource }) => resource.ID);
      sends.push(ids);
      await take(ids);
    },
    isReachable: async () => undefined,
    close: () => undefined,
  };
  outbox = new Outbox({
    destination,
    ledger: {
      due: async (ids) => ids.filter((each) => !endings.has(each)).map(due),
      end: async (instance, _route, ending) => {
        if (!redecided.delete(instance)) endings.set(instance, ending);
      },
    },
    loopGuard: new LoopGuard(),
    describe: async ({ resource, route: { to, rule, decision, category } }) => ({
      id: resource.ID,
      to,
      rule,
      content: [decision, category].join(' '),
    }),
    orthanc: { isAway: async (error) => mayMeanAway(error) },
    metrics: new RouteMetrics(new Registry(), () => []),
    refill: over.refill ?? (async () => undefined),
    perMinute: Number.POSITIVE_INFINITY,
    log: pino({ level: 'silent' }),
  });
  return { outbox, endings, sends, redecided };
}

describe('an outbox', () => {
  test('keeps the order, and sends larger batches while they succeed', async () => {
    const { outbox: box, endings, sends } = create(async () => undefined);
    const ids = Array.from({ length: 40 }, (_, n) => id(n));
    for (const each of ids) box.enqueue(each);
    box.resume();
    await waitFor(() => endings.size === 40);
    expect(sends.flat()).toEqual(ids);
    expect(sends.map(({ length }) => length)).toEqual([1, 2, 4, 8, 16, 9]);
  });

  test('sends one by one, in the same order, after a failure', async () => {
    let failures = 0;
    const {
      outbox: box,
      endings,
      sends,
    } = create(async (ids) => {
      if (ids.length < 4 || failures++ > 0) return;
      throw createError('route_unreachable', { destination: 'peer:p', why: 'ECONNREFUSED' });
    });
    for (let n = 0; n < 10; n++) box.enqueue(id(n));
    box.resume();
    await waitFor(() => endings.size === 10);
    expect(sends.map(({ length }) => length)).toEqual([1, 2, 4, 1, 2, 4]);
    expect(sends[3]).toEqual([id(3)]);
  });

  test('refills when more instances were enqueued than it holds in memory', async () => {
    const beyond: InstanceId[] = [];
    const { outbox: box, endings } = create(async () => undefined, {
      refill: async () => {
        for (const each of beyond) box.enqueue(each);
      },
    });
    for (let n = 0; n < 10_003; n++) {
      box.enqueue(id(n));
      if (n >= 10_000) beyond.push(id(n));
    }
    expect(box.waiting).toBe(10_000);
    box.resume();
    await waitFor(() => endings.size === 10_003);
  });

  test('sends an instance again that is enqueued while it is being sent', async () => {
    const {
      outbox: box,
      endings,
      sends,
      redecided,
    } = create(async ([first]) => {
      if (sends.length > 1 || first === undefined) return;
      redecided.add(first);
      box.enqueue(first);
    });
    box.enqueue(id(1));
    box.resume();
    await waitFor(() => endings.size === 1);
    expect(sends).toEqual([[id(1)], [id(1)]]);
    expect(box.waiting).toBe(0);
  });

  test('stops at once, and records nothing for unsent instances', async () => {
    const { outbox: box, endings } = create(
      () =>
        new Promise((_resolve, reject) => {
          setTimeout(() => reject(createError('route_unreachable', { destination: 'p', why: 'stop' })), 50);
        }),
    );
    for (let n = 0; n < 3; n++) box.enqueue(id(n));
    box.resume();
    await box.stop();
    expect(endings.size).toBe(0);
  });
});
