import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createError } from '../../../../src/errors/errors.js';
import { Routing } from '../../../../src/followups/routing/routing.js';
import type { InstanceId } from '../../../../src/orthanc/ids.js';
import { FolderStore } from '../../../../src/store/folder-store.js';
import type { Store } from '../../../../src/store/store.js';
import { stubClasses } from '../../../../testkit/classifier.js';
import { categories, type Process, useFakeSite } from '../../../../testkit/fake-site.js';
import { head, type RulesFolder, rulesFolder } from '../../../../testkit/rules.js';
import { waitFor } from '../../../../testkit/wait-for.js';
import { routingSite } from './support.js';

const site = useFakeSite({ destinations: { peers: ['a', 'b'], modalities: { m: 'SCANNER' } } });
const { store, decide, states, routesOf } = routingSite(site);
let place: RulesFolder;
const running: Routing[] = [];
beforeAll(async () => {
  place = await rulesFolder();
});
afterAll(() => place.discard());
afterEach(async () => {
  for (const each of running.splice(0)) await each.stop();
});

/** A process with the routing that these rules make. */
async function create(
  rules: object[],
  over: object = {},
  store: Store = new FolderStore(site.stateDir),
): Promise<{ process: Process; routing: Routing }> {
  const process = site.process();
  const routing = new Routing(
    {
      ...process,
      categories: stubClasses,
      codes: categories,
      store,
      registry: new Registry(),
      onPart: () => undefined,
      backOff: { first: 1, longest: 10 },
      studyPollMs: 10,
      log: pino({ level: 'silent' }),
    },
    await place.write({ ...head, rules, ...over }),
  );
  running.push(routing);
  return { process, routing };
}

const toA = { name: 'to a', do: { peer: 'a' } };
const ended = (id: InstanceId) =>
  waitFor(() => routesOf(id).length > 0 && routesOf(id).every(({ state }) => state !== 'pending'));

test('what is decided is sent, and noted', async () => {
  const { process, routing } = await create([{ name: 'both', do: { peer: 'a', modality: 'm' } }]);
  await routing.checkDestinations();
  routing.resume();
  const { instance: id } = store('one');
  await decide(process, id, 'knee_ap');
  await routing.followUp.run(id);
  await ended(id);
  expect(states(id)).toEqual(['peer:a: knee_ap: sent', 'modality:m: knee_ap: sent']);
  expect(site.fake.sent.map(({ destination, instances }) => [destination, instances]).sort()).toEqual([
    ['modalities/m', [id]],
    ['peers/a', [id]],
  ]);
  await waitFor(() => site.fake.labels(id).join() === 'knee_ap');
});

test('the very file that comes back from where it was sent is not sent there again', async () => {
  const { process, routing } = await create([toA]);
  await routing.checkDestinations();
  routing.resume();
  const { instance: id } = store('one');
  await decide(process, id, 'knee_ap');
  await routing.followUp.run(id);
  await ended(id);
  // As an Orthanc that overwrites does with what it is sent: the metadata is lost.
  await site.remove(`instances/${id}`);
  store('one');
  await decide(process, id, 'knee_ap');
  await routing.followUp.run(id);
  await ended(id);
  expect(states(id)).toEqual([
    expect.stringMatching(/^peer:a: knee_ap: skipped: the very same was sent there at 20/),
  ]);
  expect(site.fake.sent).toHaveLength(1);
});

test('what a former process left is sent by the next one; what no rule names any more is not', async () => {
  const former = await create([toA, { name: 'to b', do: { peer: 'b' } }]);
  const ids = ['one', 'two'].map((name) => store(name).instance);
  for (const id of ids) {
    await decide(former.process, id, 'knee_ap');
    await former.routing.followUp.run(id);
    expect(states(id)).toEqual(['peer:a: knee_ap: pending', 'peer:b: knee_ap: pending']);
  }
  const { routing } = await create([toA]);
  await routing.checkDestinations();
  routing.resume();
  for (const id of ids) {
    await ended(id);
    expect(states(id)).toEqual([
      'peer:a: knee_ap: sent',
      'peer:b: knee_ap: skipped: no rule names this destination any more',
    ]);
  }
  expect(site.fake.sent.flatMap(({ instances }) => instances)).toEqual(ids);
});

test('what is decided anew before it was sent is sent for the newer decision alone', async () => {
  const { process, routing } = await create([toA]);
  const { instance: id } = store('one');
  for (const category of ['knee_ap', 'hand_ap']) {
    await decide(process, id, category);
    await routing.followUp.run(id);
  }
  await routing.checkDestinations();
  routing.resume();
  await ended(id);
  expect(states(id)).toEqual(['peer:a: knee_ap: skipped: it was decided anew', 'peer:a: hand_ap: sent']);
  expect(site.fake.sent).toHaveLength(1);
});

test('a peer that answers but does not take an instance is given up after some tries; a retry sends it', async () => {
  const { process, routing } = await create([toA]);
  await routing.checkDestinations();
  routing.resume();
  let tries = 0;
  site.fake.intercept = ({ path }) => {
    if (path !== '/peers/a/store') return undefined;
    tries++;
    return { status: 400, body: '' };
  };
  const { instance: id } = store('one');
  await decide(process, id, 'knee_ap');
  await routing.followUp.run(id);
  await ended(id);
  expect(tries).toBe(5);
  expect(states(id)).toEqual([expect.stringMatching(/^peer:a: knee_ap: failed: /)]);
  await waitFor(() => site.fake.labels(id).join() === 'knee_ap,route_failed');

  await expect(routing.retry(id, 'peer:b')).rejects.toMatchObject({ code: 'destination_unknown' });
  site.fake.intercept = () => undefined;
  expect(await routing.retry(id, undefined)).toEqual(['peer:a']);
  await waitFor(() => site.fake.labels(id).join() === 'knee_ap');
  expect(states(id)).toEqual(['peer:a: knee_ap: sent']);
  expect(await routing.retry(id, undefined)).toEqual([]);
});

test('a study that a peer refuses is sent again by a retry, once', async () => {
  const studies = { rules: [{ name: 'seen', when: { any: 'knee_*' }, do: { peer: 'b' } }] };
  const { process, routing } = await create([toA], { studies });
  await routing.checkDestinations();
  routing.resume();
  site.fake.intercept = ({ path }) => (path === '/peers/b/store' ? { status: 400, body: '' } : undefined);
  const { instance: id, study } = store('one');
  await decide(process, id, 'knee_ap');
  await routing.followUp.run(id);
  await waitFor(() => site.fake.labels(study).join() === 'knee_ap,route_failed');

  await expect(routing.retryStudy(study, 'peer:c')).rejects.toMatchObject({ code: 'destination_unknown' });
  expect(await routing.retryStudy(study, 'peer:a')).toEqual([]);
  site.fake.intercept = () => undefined;
  expect(await routing.retryStudy(study, undefined)).toEqual(['peer:b']);
  await waitFor(() => site.fake.labels(study).join() === 'knee_ap');
  expect(site.fake.sent.filter(({ destination }) => destination === 'peers/b')).toHaveLength(1);
  expect(await routing.retryStudy(study, undefined)).toEqual([]);
});

test('a destination that Orthanc does not know stops the start', async () => {
  const { routing } = await create([{ name: 'astray', do: { peer: 'c' } }]);
  await expect(routing.checkDestinations()).rejects.toMatchObject({ code: 'rules_invalid' });
});

test('a kill before any write of a decided picture leaves its study due', async () => {
  const studies = { rules: [{ name: 'seen', when: { any: 'knee_*' }, do: { peer: 'a', label: 'seen' } }] };
  let wasKilled = true;
  for (let writes = 0; wasKilled; writes++) {
    const killed = await create([toA], { studies });
    const { instance: id, study } = store('one', `study ${writes}`);
    await decide(killed.process, id, 'knee_ap');
    wasKilled = await site.dying(writes, () => killed.routing.followUp.run(id));
    await killed.routing.stop();
    const { process, routing } = await create([toA], { studies });
    await routing.checkDestinations();
    if (routing.followUp.isDue(await process.orthanc.hierarchy.instance(id))) await routing.followUp.run(id);
    routing.resume();
    await waitFor(() => site.fake.labels(study).join() === 'knee_ap,seen');
    await routing.stop();
    const sent = site.fake.sent.flatMap(({ instances }) => instances).filter((each) => each === study);
    expect([writes, sent]).toEqual([writes, [study]]);
  }
});

test('a picture counts as routed only when its study is noted as due', async () => {
  class Full extends FolderStore {
    override async write(): Promise<void> {
      throw createError('state_unusable', { folder: 'here', why: 'no space left' });
    }
  }
  const studies = { rules: [{ name: 'seen', when: { any: '*' }, do: { label: 'seen' } }] };
  const { process, routing } = await create([toA], { studies }, new Full(site.stateDir));
  const { instance: id } = store('one');
  await decide(process, id, 'knee_ap');
  await expect(routing.followUp.run(id)).rejects.toMatchObject({ code: 'state_unusable' });
  expect(routing.followUp.isDue(await process.orthanc.hierarchy.instance(id))).toBe(true);
});
