import { afterEach, expect, test } from 'vitest';
import { requestOf } from '../../../src/decisions/read.js';
import { RequestWriter } from '../../../src/decisions/request-writer.js';
import { ChangeCursor } from '../../../src/intake/cursor.js';
import { Follower } from '../../../src/intake/follower.js';
import { GroupRequests } from '../../../src/intake/reclassification/group-requests.js';
import { AdmissionPolicy } from '../../../src/queue/admission-policy.js';
import { MemoryQueue } from '../../../src/queue/memory.js';
import type { Job } from '../../../src/queue/queue.js';
import { FolderStore } from '../../../src/store/folder-store.js';
import { image, uid } from '../../../testkit/dicom.js';
import type { FakeRequest } from '../../../testkit/fake-orthanc.js';
import { silent, useFakeSite } from '../../../testkit/fake-site.js';
import { waitFor } from '../../../testkit/wait-for.js';

const site = useFakeSite();
const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of running.splice(0).reverse()) await each.stop();
});

/** Follows the change log; what carries the label `settled` needs no look. */
async function follow() {
  const jobs: Pick<Job, 'instance' | 'reason'>[] = [];
  const { orthanc, config, locks } = site.process();
  const queue = new MemoryQueue(new AdmissionPolicy({ concurrency: 1, backlog: 1 }), async (job) => {
    jobs.push(job);
    return { kind: 'settled' };
  });
  const requests = new RequestWriter({ orthanc, locks });
  const groupRequests = new GroupRequests({ orthanc, requests, modalities: config.modalities, log: silent });
  const follower = new Follower({
    orthanc,
    queue,
    cursor: await ChangeCursor.open(new FolderStore(site.stateDir), silent),
    isSettled: async ({ Labels }) => Labels.includes('settled'),
    isUnfinished: async (instance) => requestOf(instance) !== undefined,
    groupRequests,
    onLogCleared: () => undefined,
    onLate: () => undefined,
    pollMs: 1,
    lateMs: 600_000,
    log: silent,
  });
  running.push(groupRequests, follower);
  follower.resume();
  return { follower, jobs };
}

const ask = (path: string) => site.put(`${path}/metadata/RadiographReclassify`, '{"who":"alice"}');
/** How far the log has been read. */
const since = () =>
  Math.max(...site.fake.calls.map(({ path }) => Number(/^\/changes.*since=(\d+)/.exec(path)?.[1] ?? 0)));
/** The last entry that a follower asks for. */
const last = async () => {
  const log = await fetch(`${site.fake.url}/changes?type=NewInstance;UpdatedMetadata&since=0&limit=1000`);
  return ((await log.json()) as { Last: number }).Last;
};
/** Waits until the follower has read the log to its end as it is now. */
const read = async () => {
  const end = await last();
  await waitFor(() => since() >= end);
};

test('what is stored gets a look, unless it is decided already', async () => {
  const settled = site.store(image());
  await site.put(`instances/${settled.instance}/labels/settled`);
  const { instance } = site.store(image());
  const { jobs } = await follow();
  await read();
  await waitFor(() => jobs.length > 0);
  expect(jobs).toMatchObject([{ instance, reason: 'changes' }]);
});

test('metadata that somebody writes gets a look where it asks for something, and once for all of a page', async () => {
  const { instance } = site.store(image());
  await site.put(`instances/${instance}/labels/settled`);
  const { jobs, follower } = await follow();
  await read();
  expect(jobs).toEqual([]);
  follower.pause();
  await site.put(`instances/${instance}/metadata/RadiographTags`, '{}');
  await ask(`instances/${instance}`);
  await ask(`instances/${instance}`);
  follower.resume();
  await read();
  await waitFor(() => jobs.length > 0);
  expect(jobs).toMatchObject([{ instance, reason: 'request' }]);
});

test.each(['series', 'studies', 'patients'] as const)(
  'a request on %s is handed to its instances',
  async (level) => {
    const inSeries = { patientId: 'p', studyInstanceUid: uid('study'), seriesInstanceUid: uid('series') };
    const first = site.store(image(inSeries));
    const lines = [first, site.store(image(inSeries))];
    const beside = site.store(image());
    for (const { instance } of [...lines, beside]) await site.put(`instances/${instance}/labels/settled`);
    const { jobs } = await follow();
    const { series, study, patient } = first;
    await read();
    await ask(`${level}/${{ series, studies: study, patients: patient }[level]}`);
    await waitFor(() => jobs.length === 2);
    expect(new Set(jobs.map(({ instance }) => instance))).toEqual(
      new Set(lines.map(({ instance }) => instance)),
    );
    await read();
    expect(jobs).toHaveLength(2);
  },
);

test('while a request is copied the log is read on, and a stop in the middle loses no instance', async () => {
  const inStudy = { studyInstanceUid: uid('held study'), seriesInstanceUid: uid('held series') };
  const lines = [0, 1, 2, 3].map(() => site.store(image(inStudy)));
  for (const { instance } of lines) await site.put(`instances/${instance}/labels/settled`);
  const { jobs } = await follow();
  await read();
  let copied = 0;
  const isCopy = ({ method, path, body }: FakeRequest) =>
    method === 'PUT' &&
    path.endsWith('RadiographReclassify') &&
    path.startsWith('/instances/') &&
    body.length > 0;
  const held = site.fake.hold((request) => isCopy(request) && ++copied > 2);
  await ask(`studies/${lines[0]?.study}`);
  await held.reached;
  const beside = site.store(image());
  await waitFor(() => jobs.some(({ instance }) => instance === beside.instance));
  const stopping = Promise.all(running.splice(0).map((each) => each.stop()));
  held.release();
  await stopping;
  expect(site.fake.metadata(lines[0]?.study ?? '').RadiographReclassify).toBeDefined();
  const after = await follow();
  await read();
  const asked = () => new Set([...jobs, ...after.jobs].map(({ instance }) => instance));
  await waitFor(() => lines.every(({ instance }) => asked().has(instance)));
  await waitFor(() => site.fake.metadata(lines[0]?.study ?? '').RadiographReclassify === undefined);
});

test('while Orthanc is away nothing is asked; what came meanwhile is found after it', async () => {
  const { follower, jobs } = await follow();
  site.store(image());
  await waitFor(() => jobs.length === 1);
  follower.pause();
  const held = site.fake.hold(({ path }) => path.startsWith('/changes'));
  site.store(image());
  follower.resume();
  await held.reached;
  held.release();
  await waitFor(() => jobs.length === 2);
});
