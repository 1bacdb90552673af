import { afterEach, expect, test } from 'vitest';
import { callApi } from '../../../testkit/api.js';
import { stubClassifier } from '../../../testkit/classifier.js';
import { image } from '../../../testkit/dicom.js';
import { type FakeOrthanc, startFakeOrthanc } from '../../../testkit/fake-orthanc.js';
import { Listener } from '../../../testkit/listener.js';
import { startTestService, type TestService } from '../../../testkit/service.js';
import { waitFor } from '../../../testkit/wait-for.js';

let fake: FakeOrthanc;
let service: TestService;
const receiver = new Listener();
afterEach(async () => {
  await service.stop();
  await fake.stop();
  await receiver.close();
});

/** Stores pictures of one station, each of another study, and waits until they are decided. */
async function take(count: number): Promise<void> {
  const before = service.classifier.pictures.length;
  for (let n = 0; n < count; n++)
    fake.store(image({ rows: 8, columns: 8, attributes: { '0008,1010': ['SH', 'ROOM1'] } }));
  await waitFor(() => service.classifier.pictures.length === before + count, { timeout: 60_000 });
}

test('a station whose pictures become doubtful is told of by API, metric, log and webhook', async () => {
  fake = await startFakeOrthanc({ now: () => new Date() });
  await receiver.listen();
  receiver.answer = { status: 204, body: '' };
  service = await startTestService({
    orthanc: fake.url,
    classifier: stubClassifier(),
    env: {
      PLAINVIEW_DRIFT_WEBHOOK: receiver.url,
      PLAINVIEW_DRIFT_WEBHOOK_SECRET: Buffer.alloc(32, 1).toString('base64'),
    },
  });
  await take(310);
  expect((await callApi(service, 'GET', '/drift')).json).toEqual({ changes: [] });
  service.classifier.answer = async () => ({ category: 'knee_lateral', score: 0.5 });
  await take(20);
  const changes = await waitFor(async () => {
    const { json } = await callApi(service, 'GET', '/drift');
    return json.changes.length > 0 && json.changes;
  });
  expect(changes).toContainEqual(
    expect.objectContaining({ station: 'ROOM1', signal: 'unsure', examples: expect.any(Array) }),
  );
  expect(await service.metrics()).toContain('plainview_drift_stations{signal="unsure"} 1');
  expect(service.log()).toContain('the pictures of a station are not what they were');
  await waitFor(() => receiver.requests.length > 0);
  expect(receiver.requests[0]?.headers['webhook-signature']).toMatch(/^v1,/);

  const accept = { body: { station: 'ROOM1' } };
  expect((await callApi(service, 'POST', '/drift/accept', { ...accept, role: 'reviewer' })).status).toBe(403);
  expect((await callApi(service, 'POST', '/drift/accept', accept)).json).toEqual({ changes: [] });
  expect(service.log()).toContain('accept drift');
  const other = { body: { station: 'ROOM9' } };
  expect((await callApi(service, 'POST', '/drift/accept', other)).json).toMatchObject({
    code: 'drift_unknown',
  });
}, 120_000);
