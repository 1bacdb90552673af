import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { callApi } from '../../../testkit/api.js';
import { stubClassifier } from '../../../testkit/classifier.js';
import { image } from '../../../testkit/dicom.js';
import { type FakeOrthanc, startFakeOrthanc } from '../../../testkit/fake-orthanc.js';
import { seeded } from '../../../testkit/random.js';
import { Reader, startTestService, type TestService } from '../../../testkit/service.js';
import { waitFor } from '../../../testkit/wait-for.js';

const hour = 3_600_000;
let fake: FakeOrthanc;
let service: TestService;
let reader: Reader;

beforeEach(async () => {
  fake = await startFakeOrthanc();
  service = await startTestService({ orthanc: fake.url, classifier: stubClassifier() });
  reader = new Reader(fake.url);
});
afterEach(async () => {
  vi.useRealTimers();
  await service.stop();
  await fake.stop();
});

async function newInstance(): Promise<string> {
  const { ID: id } = fake.store(image());
  await waitFor(async () => (await reader.metadata(`instances/${id}`, 'RadiographCategory')) !== undefined);
  return id;
}

async function correct(id: string, category: string): Promise<void> {
  const of = (await reader.record(id))?.when;
  const { status } = await callApi(service, 'PUT', `/instances/${id}/decision`, { body: { category, of } });
  expect(status).toBe(200);
}

async function reclassify(id: string, includingCorrected: boolean): Promise<void> {
  const body = { selection: { ids: [id] }, includingCorrected };
  const { json } = await callApi(service, 'POST', '/requests', { body });
  const job = await waitFor(async () => {
    const now = (await callApi(service, 'GET', `/requests/${json.id}`)).json;
    return now.state !== 'running' && now;
  });
  expect(job).toMatchObject({ state: 'done', asked: 1, answered: 1 });
}

test.each([-2, 2])(
  'a clock set by %i hours: a reclassification that says that it is done has been done',
  async (hours) => {
    const id = await newInstance();
    await correct(id, 'hand_ap');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + hours * hour });
    await reclassify(id, true);
    expect(await reader.record(id)).toMatchObject({ who: 'network', category: 'knee_lateral' });
  },
);

test('a correction while a reclassification runs stays, also where the clock was set back before it', async () => {
  const [first, second] = [await newInstance(), await newInstance()];
  // The job waits with its first request, which Orthanc does not answer yet.
  const held = fake.hold(({ method, path }) => method === 'PUT' && path.endsWith('/RadiographReclassify'));
  const body = { selection: { ids: [first, second] }, includingCorrected: true };
  const { json } = await callApi(service, 'POST', '/requests', { body });
  await held.reached;
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 2 * hour });
  // The first one cannot be corrected meanwhile: its request is being written.
  await correct(second, 'hand_ap');
  held.release();
  await waitFor(async () => (await callApi(service, 'GET', `/requests/${json.id}`)).json.state !== 'running');
  expect(await reader.record(second)).toMatchObject({ who: 'person', category: 'hand_ap' });
});

test('whatever steps the clock makes, the last of corrections and requests stands', async () => {
  const random = seeded(11);
  const id = await newInstance();
  let expected = { who: 'network', category: 'knee_lateral' };
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  for (let step = 0; step < 25; step++) {
    vi.setSystemTime(Date.now() + Math.round((random() - 0.5) * 48 * hour));
    const which = random();
    if (which < 0.5) {
      expected = { who: 'person', category: random() < 0.5 ? 'hand_ap' : 'foot_ap' };
      await correct(id, expected.category);
    } else if (which < 0.75) await reclassify(id, false);
    else {
      expected = { who: 'network', category: 'knee_lateral' };
      await reclassify(id, true);
    }
    expect(await reader.record(id), `step ${step}`).toMatchObject(expected);
  }
}, 60_000);
