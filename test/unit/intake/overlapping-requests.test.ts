import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { InstanceId } from '../../../src/orthanc/ids.js';
import { hold, stubClassifier } from '../../../testkit/classifier.js';
import { image, uid } from '../../../testkit/dicom.js';
import { useFakeSite } from '../../../testkit/fake-site.js';
import { discardStates, MortalService, Stage } from '../../../testkit/mortal-service.js';

const site = useFakeSite({ overwriteInstances: true });
const running: MortalService[] = [];
afterEach(async () => {
  for (const each of running.splice(0)) await each.end();
});
afterAll(discardStates);

const start = async (env: NodeJS.ProcessEnv = {}, stateDir?: string) => {
  const classifier = stubClassifier();
  const service = await MortalService.start({ stage: new Stage(site.fake), classifier, env, stateDir });
  running.push(service);
  return { service, classifier, jobs: service.work.reclassification };
};

const store = (n: number) =>
  site.store(
    image({ studyInstanceUid: uid('study'), seriesInstanceUid: uid('series'), patientId: String(n) }),
  );
const poll = (check: () => unknown) => expect.poll(check, { timeout: 30_000 });
const ask = (who: string, ids: InstanceId[], includingCorrected = false) => ({
  who,
  selection: { ids: [...ids] as never },
  includingCorrected,
});
const requestOf = (id: string) => site.fake.metadata(id).RadiographReclassify;
/** Whether a request was written on an instance since a call, or the change log was read often enough for that. */
const isAskedSince = (since: number) => {
  const paths = site.fake.calls.slice(since).map(({ method, path }) => `${method} ${path}`);
  const isWritten = paths.some((path) => /^PUT .instances.*RadiographReclassify/.test(path));
  return isWritten || paths.filter((path) => path.startsWith('GET /changes')).length > 5;
};

describe('a request that was acknowledged is answered', () => {
  test('also where another job for the same instances is cancelled', async () => {
    const { service, classifier, jobs } = await start({ PLAINVIEW_CONCURRENCY: '1' });
    const [busy, ...ids] = [0, 1, 2].map((n) => store(n).instance);
    await service.rest();
    const held = hold(classifier, { category: 'hand_ap', score: 0.99 });
    if (busy !== undefined) await jobs.begin(ask('alice', [busy]), false);
    await held.reached;
    const first = await jobs.begin(ask('alice', ids), false);
    await poll(() => ids.map(requestOf).every((text) => text?.includes('alice'))).toBe(true);
    await jobs.begin(ask('bob', ids), false);
    await poll(() => ids.map(requestOf).every((text) => text?.includes('bob'))).toBe(true);
    await jobs.cancel(first.id);
    held.release();
    await service.rest();
    expect(ids.map((id) => site.record(id)?.requested?.who)).toEqual(['bob', 'bob']);
  });

  test('also where a request of its study is copied meanwhile', async () => {
    const { service, classifier, jobs } = await start({ PLAINVIEW_CONCURRENCY: '1' });
    const [busy, { instance, study }] = [site.store(image()), store(1)];
    await service.rest();
    await service.correct(instance, 'pelvis_ap');
    await service.rest();
    const held = hold(classifier, { category: 'hand_ap', score: 0.99 });
    await jobs.begin(ask('alice', [busy.instance]), false);
    await held.reached;
    await jobs.begin(ask('bob', [instance], true), false);
    await poll(() => requestOf(instance)).toContain('bob');
    await site.put(`studies/${study}/metadata/RadiographReclassify`, '{"who":"carol"}');
    await poll(() => requestOf(study)).toBeUndefined();
    held.release();
    await service.rest();
    expect(site.record(instance)).toMatchObject({ who: 'network', requested: { who: 'bob' } });
  });

  test('also where an earlier one is being deleted', async () => {
    const { service, jobs } = await start();
    const { instance } = store(1);
    await service.rest();
    await service.correct(instance, 'pelvis_ap');
    await service.rest();
    const held = site.fake.hold(
      ({ method, path }) => method !== 'PUT' && path.endsWith('/metadata/RadiographReclassify'),
    );
    // It leaves what a person decided.
    await site.put(`instances/${instance}/metadata/RadiographReclassify`, '{"who":"carol"}');
    await held.reached;
    await jobs.begin(ask('bob', [instance], true), false);
    await poll(() => requestOf(instance)).toContain('bob');
    held.release();
    await service.rest();
    expect(site.record(instance)).toMatchObject({ who: 'network', requested: { who: 'bob' } });
  });

  test.each(['over the API', 'on the study'])(
    'also where the file is stored anew with tags meanwhile: one %s',
    async (how) => {
      const { service, jobs } = await start({ PLAINVIEW_TAGS: 'absent' });
      const held = site.fake.hold(({ method, path }) => method === 'POST' && path === '/instances');
      const { instance, study } = store(1);
      await held.reached;
      const before = site.fake.calls.length;
      if (how === 'over the API') await jobs.begin(ask('bob', [instance]), false);
      else await site.put(`studies/${study}/metadata/RadiographReclassify`, '{"who":"bob"}');
      // It is asked for while the file is being replaced: written at once, or only after that.
      await poll(() => isAskedSince(before)).toBe(true);
      held.release();
      await service.rest();
      expect(site.record(instance)).toMatchObject({ who: 'network', requested: { who: 'bob' } });
    },
  );
});

test('a request that a restart resumes does not end what a person has said since, be it only which way up the picture is', async () => {
  const first = await start({ PLAINVIEW_CONCURRENCY: '1' });
  const [{ instance: busy }, { instance }] = [site.store(image()), store(1)];
  await first.service.rest();
  await first.service.correct(instance, 'pelvis_ap');
  await first.service.rest();
  const held = hold(first.classifier, { category: 'hand_ap', score: 0.99 });
  await first.jobs.begin(ask('alice', [busy]), false);
  await held.reached;
  await first.jobs.begin(ask('bob', [instance], true), false);
  await poll(() => requestOf(instance)).toContain('bob');
  await first.service.orient(instance, { turned: 90, mirrored: false });
  first.service.kill();
  held.release();
  const { service } = await start({}, first.service.stateDir);
  await service.rest();
  expect(site.record(instance)).toMatchObject({ who: 'person', orientation: { turned: 90 } });
});
