import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stubClassifier } from '../../../testkit/classifier.js';
import { image } from '../../../testkit/dicom.js';
import { type FakeOrthanc, startFakeOrthanc } from '../../../testkit/fake-orthanc.js';
import { startTestService, type TestService } from '../../../testkit/service.js';
import { fetchSigned } from '../../../testkit/signed.js';
import { waitFor } from '../../../testkit/wait-for.js';

let fake: FakeOrthanc;
let service: TestService;

beforeEach(async () => {
  fake = await startFakeOrthanc();
  service = await startTestService({
    orthanc: fake.url,
    classifier: stubClassifier(),
    timings: { monitorMs: 20, heartbeat: { everyMs: 50, timeoutMs: 1000 } },
  });
});
afterEach(async () => {
  fake.intercept = () => undefined;
  await service.stop();
  await fake.stop();
});

interface Ready {
  status: number;
  ready: boolean;
  orthanc: { answers: boolean; version?: string; problem?: string };
  state: { writable: boolean; problem?: string };
  changes: { behind: number; secondsSinceUpToDate: number };
}
const readiness = async (): Promise<Ready> => {
  const answer = await fetch(`${service.url}/health/ready`);
  return { status: answer.status, ...((await answer.json()) as Omit<Ready, 'status'>) };
};
const until = (what: string, is: (ready: Ready) => boolean) =>
  waitFor(
    async () => {
      const now = await readiness();
      return is(now) && now;
    },
    { what },
  );
const gauge = async (name: string) =>
  Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await service.metrics())?.[1]);

test('a state folder that cannot be written makes the service not ready, until it can be written again', async () => {
  expect(await readiness()).toMatchObject({ status: 200, state: { writable: true } });
  expect(await gauge('plainview_state_writable')).toBe(1);
  const obstacle = join(service.stateDir, 'probe.json.part');
  await waitFor(async () => {
    await mkdir(obstacle, { recursive: true }).catch(() => undefined);
    return (await readiness()).status === 503;
  });
  const refused = await readiness();
  expect(refused).toMatchObject({ ready: false, orthanc: { answers: true }, state: { writable: false } });
  expect(refused.state.problem).toContain('PLAINVIEW_STATE_DIR');
  expect(await gauge('plainview_state_writable')).toBe(0);
  expect(service.log().match(/Plainview cannot keep its state/g)).toHaveLength(1);
  const page = await fetchSigned(service.secret, `${service.url}/api/v1/status`);
  expect(await page.json()).toMatchObject({ stateProblem: refused.state.problem });
  await rm(obstacle, { recursive: true, force: true });
  await until('recovery', ({ status, state }) => status === 200 && state.writable);
});

test('an Orthanc that answers but lacks configuration after an outage: it answers, and the problem is named', async () => {
  fake.intercept = () => 'cut';
  await until('outage', ({ orthanc }) => !orthanc.answers);
  fake.intercept = ({ method, path }) =>
    method === 'GET' && path === '/system'
      ? {
          status: 200,
          type: 'application/json',
          body: Buffer.from(JSON.stringify({ Version: '1.12.7', HasLabels: false, UserMetadata: {} })),
        }
      : undefined;
  const now = await until('the answer', ({ orthanc }) => orthanc.answers);
  expect(now).toMatchObject({ status: 503, ready: false, orthanc: { answers: true, version: '1.12.7' } });
  expect(now.orthanc.problem).toMatch(/label/i);
  fake.intercept = () => undefined;
  const back = await until('the return', ({ ready }) => ready);
  expect(back.orthanc.problem).toBeUndefined();
});

test('readiness and metrics tell how far the change log is behind', async () => {
  await until('the end of the log', ({ changes }) => changes.behind === 0);
  const held = fake.hold(
    ({ path }) => path.includes('/preview') || path.includes('/rendered') || path.includes('/file'),
  );
  fake.store(image());
  const behind = await until('a lag', ({ changes }) => changes.behind > 0);
  expect(behind.status).toBe(200);
  expect(await gauge('plainview_change_log_lag_changes')).toBeGreaterThan(0);
  held.release();
  await until('the end of the log', ({ changes }) => changes.behind === 0);
  expect(await gauge('plainview_change_log_lag_seconds')).toBeLessThan(5);
});
