import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GroupLabels } from '../../../../src/followups/routing/group-labels.js';
import { Ledger } from '../../../../src/followups/routing/ledger.js';
import { LoopGuard } from '../../../../src/followups/routing/loop-guard.js';
import { Outbox } from '../../../../src/followups/routing/outbox.js';
import { RouteMetrics } from '../../../../src/followups/routing/route-metrics.js';
import { RoutingFollowUp } from '../../../../src/followups/routing/routing-follow-up.js';
import { readRules } from '../../../../src/followups/routing/rules/read.js';
import type { InstanceId } from '../../../../src/orthanc/ids.js';
import { stubClasses } from '../../../../testkit/classifier.js';
import { image } from '../../../../testkit/dicom.js';
import { type Process, useFakeSite } from '../../../../testkit/fake-site.js';
import { head, type RulesFolder, rulesFolder } from '../../../../testkit/rules.js';
import { routingSite } from './support.js';

const site = useFakeSite();
const { store, decide, routesOf, states } = routingSite(site);
let place: RulesFolder;
beforeAll(async () => {
  place = await rulesFolder();
});
afterAll(() => place.discard());

/** A router whose outboxes are paused: what it hands to them waits there. */
async function create(rules: object[], over: object = {}, process: Process = site.process()) {
  const { orthanc, locks, config } = process;
  const { labelPrefix } = config;
  const ledger = new Ledger(orthanc, labelPrefix, locks);
  const outbox = (name: string) =>
    new Outbox({
      destination: {
        name,
        maxBatch: 16,
        send: async () => undefined,
        isReachable: async () => true,
        close: () => undefined,
      },
      ledger,
      loopGuard: new LoopGuard(),
      describe: async ({ resource: { ID: id }, route: { to, rule } }) => ({ id, to, rule, content: '' }),
      orthanc,
      metrics: new RouteMetrics(new Registry(), () => []),
      refill: async () => undefined,
      perMinute: 60_000,
      log: pino({ level: 'silent' }),
    });
  const outboxes = new Map(['peer:a', 'modality:m'].map((name) => [name, outbox(name)]));
  const router = new RoutingFollowUp({
    orthanc,
    rules: readRules(await place.write({ ...head, rules, ...over }), stubClasses),
    ledger,
    groupLabels: new GroupLabels(orthanc, locks),
    onPending: (id, to) => outboxes.get(to)?.enqueue(id),
    known: () => ({ aets: new Map([['m', 'SCANNER']]) }),
    labelPrefix,
  });
  const instance = async (id: InstanceId) => {
    const [found] = await orthanc.hierarchy.instances([id]);
    if (found === undefined) throw new Error(`${id} is not there`);
    return found;
  };
  return {
    process,
    router,
    ledger,
    instance,
    isDue: async (id: InstanceId) => router.isDue(await instance(id)),
    waiting: (to: string) => outboxes.get(to)?.waiting,
    /** Decides it and applies the rules. */
    route: async (id: InstanceId, category: string) => {
      await decide(process, id, category);
      await router.run(id);
    },
    /** Notes that all that is pending was sent. */
    sendAll: async (id: InstanceId) => {
      for (const route of routesOf(id))
        if (route.state === 'pending') await ledger.end(id, route, { state: 'sent' });
    },
  };
}

const knees = {
  name: 'knees',
  when: { category: 'knee_*' },
  do: { peer: 'a', label: 'ortho' },
};
const hands = { name: 'hands', when: { category: 'hand_ap' }, do: { label: 'hands' } };

describe('rules', () => {
  test('do not take routes for those of a file that came while they were being written', async () => {
    const { process, router, ledger, instance, route, sendAll } = await create([
      { ...knees, again: 'always' },
    ]);
    const file = image();
    const { instance: id } = site.store(file);
    await route(id, 'knee_ap');
    await sendAll(id);
    const late = site.fake.metadata(id).RadiographRoutes ?? '';
    await site.remove(`instances/${id}`);
    site.store(file);
    await site.put(`instances/${id}/metadata/RadiographRoutes`, late);
    await decide(process, id, 'knee_ap');
    await router.run(id);
    expect(states(id)).toEqual(['peer:a: knee_ap: pending']);
    // It may be the very file that was sent, on its way back.
    expect(await ledger.due([(await instance(id)).ID], 'peer:a')).toMatchObject([{ sentBefore: false }]);
  });

  test('are applied once to a decision', async () => {
    const { process, router, isDue, waiting, instance } = await create([knees]);
    const { instance: id, series, study } = store('one');
    expect(await isDue(id)).toBe(false);
    await decide(process, id, 'knee_ap');
    expect(await isDue(id)).toBe(true);

    await Promise.all([router.run(id), router.run(id)]);
    expect(states(id)).toEqual(['peer:a: knee_ap: pending']);
    expect(routesOf(id)[0]?.of).toBe(site.record(id)?.when);
    expect(site.fake.labels(id)).toEqual(['knee_ap', 'ortho', 'route_pending']);
    for (const group of [series, study]) expect(site.fake.labels(group)).toEqual(['knee_ap', 'ortho']);
    expect(waiting('peer:a')).toBe(1);

    expect(await isDue(id)).toBe(false);
    const before = site.writes().length;
    await router.run(id);
    expect(site.writes().slice(before)).toEqual([]);
    expect(router.isDue(await instance(id))).toBe(false);
  });

  test('are applied again to the next decision: what still waits for the former one is not sent', async () => {
    const { route } = await create([knees, hands]);
    const { instance: id } = store('one');
    await route(id, 'knee_ap');
    await route(id, 'hand_ap');
    expect(states(id)).toEqual(['peer:a: knee_ap: skipped: it was decided anew']);
    expect(site.fake.labels(id)).toEqual(['hand_ap', 'hands']);

    await route(id, 'knee_lateral');
    expect(states(id)).toEqual([
      'peer:a: knee_ap: skipped: it was decided anew',
      'peer:a: knee_lateral: pending',
    ]);
    expect(site.fake.labels(id)).toEqual(['knee_lateral', 'ortho', 'route_pending']);
  });

  test.each([
    ['changed', ['knee_ap', 'skipped'], ['knee_lateral', 'pending']],
    ['always', ['knee_ap', 'pending'], ['knee_lateral', 'pending']],
    ['never', ['knee_ap', 'skipped'], ['knee_lateral', 'skipped']],
  ])('send to the same place again as they say: %s', async (again, ...expected) => {
    const { route, sendAll } = await create([{ ...knees, again }]);
    const { instance: id } = store('one');
    await route(id, 'knee_ap');
    await sendAll(id);
    expect(routesOf(id).at(-1)?.state).toBe('sent');
    await route(id, 'knee_ap');
    expect(routesOf(id).at(-1)).toMatchObject({ category: 'knee_ap', state: expected[0]?.[1] });
    await sendAll(id);
    await route(id, 'knee_lateral');
    expect(routesOf(id).at(-1)).toMatchObject({ category: 'knee_lateral', state: expected[1]?.[1] });
    const skipped = routesOf(id).filter(({ state }) => state === 'skipped');
    for (const { why } of skipped) expect(why).toMatch(/^it was sent there at 20/);
  });

  test('do not send an instance back to where it came from', async () => {
    const { route, waiting } = await create([{ name: 'all', do: { peer: 'a', modality: 'm' } }]);
    const { instance: id } = store('one');
    const received = { Origin: 'DicomProtocol', RemoteAET: 'SCANNER' };
    await site.put(
      `instances/${id}/metadata/RadiographTags`,
      JSON.stringify({ version: 1, of: '', written: {}, received }),
    );
    await route(id, 'knee_ap');
    expect(states(id)).toEqual([
      'peer:a: knee_ap: pending',
      'modality:m: knee_ap: skipped: it came from there',
    ]);
    expect([waiting('peer:a'), waiting('modality:m')]).toEqual([1, 0]);
  });

  test('wait until a decision is recorded to its end', async () => {
    const { process, isDue } = await create([knees]);
    const { instance: id } = store('one');
    await decide(process, id, 'knee_ap');
    await site.remove(`instances/${id}/metadata/RadiographCategory`);
    expect(await isDue(id)).toBe(false);
  });

  test('leave alone what Orthanc received before they begin', async () => {
    const { process, isDue, router } = await create([knees], { since: '2024-06-01' });
    const { instance: id } = store('one');
    await decide(process, id, 'knee_ap');
    expect(await isDue(id)).toBe(false);
    await router.run(id);
    expect(routesOf(id)).toEqual([]);
  });

  test.each([
    [false, []],
    [true, ['peer:a: knee_ap: pending']],
  ])('look at copies where they say so: %s', async (copies, expected) => {
    const { process, isDue, route } = await create([knees], { copies });
    const copy = store('copy');
    await site.put(
      `instances/${copy.instance}/metadata/RadiographTags`,
      JSON.stringify({ version: 1, of: '', written: {}, received: { AnonymizedFrom: copy.instance } }),
    );
    await decide(process, copy.instance, 'knee_ap');
    expect(await isDue(copy.instance)).toBe(copies);

    // Made elsewhere: only the file tells.
    const foreign = site.store(image({ attributes: { '0012,0062': ['CS', 'YES'] } }));
    await route(foreign.instance, 'knee_ap');
    expect(states(foreign.instance)).toEqual(expected);
    expect(await isDue(foreign.instance)).toBe(false);
  });
});

describe('labels that rules ask for', () => {
  test('stand on series and study while one instance asks for them', async () => {
    const { route } = await create([knees, hands]);
    const [first, second] = [store('one', 'study', 'left'), store('two', 'study', 'right')];
    await route(first.instance, 'knee_ap');
    await route(second.instance, 'knee_lateral');
    await route(first.instance, 'hand_ap');
    expect(site.fake.labels(first.series)).toEqual(['hand_ap', 'hands']);
    expect(site.fake.labels(second.series)).toEqual(['knee_lateral', 'ortho']);
    expect(site.fake.labels(first.study)).toEqual(['hand_ap', 'hands', 'knee_lateral', 'ortho']);
    await route(second.instance, 'hand_ap');
    expect(site.fake.labels(first.study)).toEqual(['hand_ap', 'hands']);
  });

  test('that somebody else has put there are not taken away', async () => {
    const { route } = await create([knees, hands]);
    const { instance: id, study } = store('one');
    for (const resource of [`instances/${id}`, `studies/${study}`])
      await site.put(`${resource}/labels/ortho`);
    await route(id, 'knee_ap');
    await route(id, 'hand_ap');
    expect(site.fake.labels(id)).toEqual(['hand_ap', 'hands', 'ortho']);
    expect(site.fake.labels(study)).toEqual(['hand_ap', 'hands', 'ortho']);
  });

  test('carry the prefix', async () => {
    const { route } = await create([knees], {}, site.process({ PLAINVIEW_LABEL_PREFIX: 'pv_' }));
    const { instance: id } = store('one');
    await route(id, 'knee_ap');
    expect(site.fake.labels(id)).toEqual(['pv_knee_ap', 'pv_ortho', 'pv_route_pending']);
  });
});

test('a crash at any write leaves it due, or done; the next run leaves the same as one without a crash', async () => {
  for (let writes = 0, died = true; died; writes++) {
    const first = await create([knees, hands]);
    const { instance: id, series, study } = store(`one ${writes}`, `study ${writes}`);
    await first.route(id, 'hand_ap');
    await decide(first.process, id, 'knee_ap');
    died = await site.dying(writes, () => first.router.run(id));

    const { router, isDue } = await create([knees, hands]);
    if (await isDue(id)) await router.run(id);
    expect(states(id), `after ${writes} writes`).toEqual(['peer:a: knee_ap: pending']);
    expect(site.fake.labels(id)).toEqual(['knee_ap', 'ortho', 'route_pending']);
    for (const group of [series, study]) expect(site.fake.labels(group)).toEqual(['knee_ap', 'ortho']);
  }
});

describe('giving up', () => {
  const failure = { code: 'orthanc_failed', message: 'it cannot be done' };
  const noted = (id: string) => JSON.parse(site.fake.metadata(id).RadiographRoutes ?? '{}');

  test('is noted for this decision, and keeps what was noted before', async () => {
    const { process, router, instance, isDue, route } = await create([knees]);
    const { instance: id } = store('one');
    await route(id, 'knee_ap');
    await decide(process, id, 'knee_lateral');
    await router.recordFailure(await instance(id), failure);
    expect(noted(id)).toMatchObject({ of: site.record(id)?.when, failure, labels: ['ortho'] });
    expect(states(id)).toEqual(['peer:a: knee_ap: pending']);
    expect(await isDue(id)).toBe(false);
    await decide(process, id, 'knee_ap');
    expect(await isDue(id)).toBe(true);
  });

  test('is not noted where it was decided anew meanwhile, or is gone', async () => {
    const { process, router, instance, isDue } = await create([knees]);
    const { instance: id } = store('one');
    await decide(process, id, 'knee_ap');
    const old = await instance(id);
    await decide(process, id, 'hand_ap');
    await router.recordFailure(old, failure);
    expect(noted(id)).toEqual({});
    expect(await isDue(id)).toBe(true);
    await site.remove(`instances/${id}`);
    await expect(router.recordFailure(old, failure)).resolves.toBeUndefined();
  });
});
