import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { callApi } from '../../testkit/api.js';
import { stubClassifier } from '../../testkit/classifier.js';
import { image } from '../../testkit/dicom.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { freshState, Reader, startTestService, type TestService } from '../../testkit/service.js';

/** There is no hook, and a new service starts at the end of the change log. So only a sweep finds earlier instances. */
const real = useOrthanc();
const running: TestService[] = [];
const reader = () => new Reader(real.orthanc.url);

afterEach(async () => {
  for (const started of running.splice(0)) await started.stop();
});

async function service(env: NodeJS.ProcessEnv, stateDir?: string): Promise<TestService> {
  const classifier = stubClassifier();
  const more = stateDir === undefined ? {} : { stateDir };
  const started = await startTestService({ orthanc: real.orthanc.url, classifier, env, ...more });
  running.push(started);
  return started;
}

const progress = async (of: TestService) => (await callApi(of, 'GET', '/sweep')).json;

test('PLAINVIEW_SWEEP_HOURS: outside these hours a requested sweep waits', async () => {
  const { orthancId } = await real.storeInstance(image());
  const hour = new Date().getHours();
  const of = await service({ PLAINVIEW_SWEEP_HOURS: `${(hour + 2) % 24}-${(hour + 3) % 24}` });
  await callApi(of, 'POST', '/sweep', { body: {} });
  await waitFor(async () => (await progress(of)).state === 'waiting');
  expect(await reader().metadata(`instances/${orthancId}`, 'RadiographCategory')).toBeUndefined();
});

test('PLAINVIEW_SWEEP_RATE: a sweep enqueues no more instances per second', async () => {
  for (let n = 0; n < 4; n++) await real.storeInstance(image());
  const of = await service({ PLAINVIEW_SWEEP_RATE: '1' });
  const began = performance.now();
  await callApi(of, 'POST', '/sweep', { body: {} });
  const { found } = await waitFor(
    async () => {
      const now = await progress(of);
      return now.state === 'idle' && now;
    },
    { timeout: 30_000 },
  );
  expect(found).toBeGreaterThanOrEqual(4);
  expect(performance.now() - began).toBeGreaterThanOrEqual(found * 1000);
});

test('PLAINVIEW_SWEEP: a sweep that was due while the service was not running starts late, in the order of PLAINVIEW_SWEEP_ORDER', async () => {
  const { orthancId } = await real.storeInstance(image());
  const stateDir = await freshState(real.orthanc.url);
  const schedule = { expression: '30 2 * * *', done: Math.floor(Date.now() / 60_000) - 3 * 24 * 60 };
  await writeFile(join(stateDir, 'sweep-schedule.json'), JSON.stringify(schedule));
  const of = await service(
    { PLAINVIEW_SWEEP: schedule.expression, PLAINVIEW_SWEEP_ORDER: 'oldest' },
    stateDir,
  );
  expect(await reader().decided(orthancId)).toBe('knee_lateral');
  expect((await progress(of)).order).toBe('oldest');
});

test('PLAINVIEW_SWEEP_ORDER applies to a requested sweep, unless the request names an order', async () => {
  const of = await service({ PLAINVIEW_SWEEP_ORDER: 'oldest' });
  expect((await callApi(of, 'POST', '/sweep', { body: {} })).json.order).toBe('oldest');
  await waitFor(async () => (await progress(of)).state === 'idle');
  expect((await callApi(of, 'POST', '/sweep', { body: { order: 'newest' } })).json.order).toBe('newest');
});

test('changes are found although the change log was cleared while the service was down', async () => {
  const stateDir = await freshState(real.orthanc.url);
  const first = await service({}, stateDir);
  await reader().decided((await real.storeInstance(image())).orthancId);
  const cursor = () => readFile(join(stateDir, 'changes.json'), 'utf8');
  await waitFor(async () => (await cursor()).includes('bookmark'));
  running.splice(0);
  await first.stop();

  const { orthancId } = await real.storeInstance(image());
  await fetch(`${real.orthanc.url}/changes`, { method: 'DELETE' });
  await service({}, stateDir);
  expect(await reader().decided(orthancId)).toBe('knee_lateral');
});
