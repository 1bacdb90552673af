import nock from 'nock';
import { afterEach, expect, test } from 'vitest';
import { loadConfig } from '../../../../src/config/load.js';
import { OrthancDestination } from '../../../../src/followups/routing/destinations/orthanc.js';
import type { DueRoute } from '../../../../src/followups/routing/ledger.js';
import { instanceId, seriesId } from '../../../../src/orthanc/ids.js';

const orthanc = 'http://orthanc.test:8042';
const id = '00000001-00000002-00000003-00000004-00000005';
const due: DueRoute = {
  resource: { ID: instanceId.parse(id), ParentSeries: seriesId.parse(id), Metadata: {}, Labels: [] },
  route: { to: 'peer:p', rule: 'r', of: 'w', decision: 'category', state: 'pending', asked: '' },
  sentBefore: false,
};

afterEach(() => {
  nock.cleanAll();
});

function peer(job: { status: number; body: object }): Promise<void> {
  nock(orthanc).post('/peers/p/store').reply(200, { ID: 'job', Path: '/jobs/job' });
  nock(orthanc).get('/jobs/job').reply(200, { State: 'Running' });
  nock(orthanc).get('/jobs/job').reply(job.status, job.body);
  const destination = new OrthancDestination('peer', 'p', loadConfig({ PLAINVIEW_ORTHANC_URL: orthanc }));
  return destination.send([due], new AbortController().signal).finally(() => destination.close());
}

test.each([
  ['has failed', { status: 200, body: { State: 'Failure', ErrorDescription: 'Bad file' } }, /Bad file/],
  ['is forgotten', { status: 404, body: {} }, /JobsHistorySize/],
  ['cannot be read', { status: 500, body: {} }, /HTTP 500/],
])('a job that %s is no arrival', async (_what, job, why) => {
  await expect(peer(job)).rejects.toMatchObject({
    code: 'route_unreachable',
    message: expect.stringMatching(why),
  });
});

test('a job that succeeds resolves', async () => {
  await expect(peer({ status: 200, body: { State: 'Success' } })).resolves.toBeUndefined();
});

test('an outage of Orthanc is not reported as an error of the destination', async () => {
  nock(orthanc)
    .post('/peers/p/store')
    .replyWithError(Object.assign(new Error('no'), { code: 'ECONNREFUSED' }));
  const destination = new OrthancDestination('peer', 'p', loadConfig({ PLAINVIEW_ORTHANC_URL: orthanc }));
  await expect(destination.send([due], new AbortController().signal)).rejects.toMatchObject({
    code: 'orthanc_unreachable',
  });
  destination.close();
});
