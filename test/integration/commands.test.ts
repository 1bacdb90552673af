import { mkdir, rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stubClassifier } from '../../testkit/classifier.js';
import { plainview } from '../../testkit/cli.js';
import { image } from '../../testkit/dicom.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import {
  freshState,
  hookAddress,
  Reader,
  startTestService,
  type TestService,
} from '../../testkit/service.js';

const hook = await hookAddress();
const real = useOrthanc({ hook });
let service: TestService;
let reader: Reader;
const classifier = stubClassifier();

beforeAll(async () => {
  service = await startTestService({ orthanc: real.orthanc.url, hook, classifier });
  reader = new Reader(real.orthanc.url);
});
afterAll(() => service?.stop());

async function run(...args: string[]): Promise<{ status: number | null; out: string }> {
  const { ended, out } = plainview(args, {
    PLAINVIEW_ORTHANC_URL: real.orthanc.url,
    PLAINVIEW_SECRET: hook.secret,
    PLAINVIEW_PORT: String(hook.port),
  });
  return { status: await ended, out: out() };
}

test('failures are listed with their reasons, and tried again on request', async () => {
  expect(await run('failures')).toMatchObject({ status: 0, out: 'no failures\n' });
  const broken = await real.storeInstance(image({ truncateBy: 100 }));
  const fine = await real.storeInstance(image());
  for (const { orthancId } of [broken, fine]) await reader.decided(orthancId);

  const listed = await run('failures', '--json');
  const [line = ''] = listed.out.trim().split('\n');
  expect(JSON.parse(line)).toMatchObject({ instance: broken.orthancId, code: 'instance_not_renderable' });
  expect(listed.out).not.toContain(fine.orthancId);

  expect((await run('reclassify', '--failed', '--dry-run')).out).toContain('1 would be asked for');
  const before = (await reader.record(broken.orthancId))?.when;
  expect(await run('reclassify', '--failed')).toMatchObject({ status: 0, out: '1 asked for\n' });
  await waitFor(async () => (await reader.record(broken.orthancId))?.when !== before);
  expect((await reader.record(broken.orthancId))?.requested?.who).toBeTruthy();
});

test('one instance is classified again by its identifier', async () => {
  const { orthancId, study } = await real.storeInstance(image());
  await reader.decided(orthancId);
  classifier.answer = async () => ({ category: 'hand_ap', score: 0.99 });
  expect((await run('reclassify', orthancId)).status).toBe(0);
  await waitFor(
    async () => (await reader.metadata(`instances/${orthancId}`, 'RadiographCategory')) === 'hand_ap',
  );
  expect(await reader.labels(`studies/${study}`)).toEqual(['hand_ap']);
});

test('a corrected instance is reported as left alone, and requested with --including-corrected', async () => {
  const { orthancId } = await real.storeInstance(image());
  await reader.decided(orthancId);
  const corrected = { ...(await reader.record(orthancId)), who: 'person' };
  await reader.put(`instances/${orthancId}`, 'Radiograph', JSON.stringify(corrected));
  const left = /^0 (would be )?asked for; 1 decided by a person: left alone .--including-corrected/;
  expect((await run('reclassify', orthancId, '--dry-run')).out).toMatch(left);
  expect(await run('reclassify', orthancId)).toMatchObject({ status: 0, out: expect.stringMatching(left) });
  expect(await run('reclassify', orthancId, '--including-corrected')).toMatchObject({
    status: 0,
    out: '1 asked for\n',
  });
  await waitFor(async () => (await reader.record(orthancId))?.who === 'network');
});

test('identifiers that Orthanc does not have are named, and the others requested', async () => {
  const { orthancId } = await real.storeInstance(image());
  await reader.decided(orthancId);
  const astray = orthancId.replace(/^......../, '00000000');
  const { status, out } = await run('reclassify', astray, orthancId, '1.2.3');
  expect(status).toBe(1);
  expect(out).toContain('1 asked for');
  for (const name of [astray, '1.2.3']) expect(out).toContain(`${name}: Orthanc has no such radiograph`);
  expect(out).not.toContain(`${orthancId}: `);
});

test('the command waits for the end of the sweep', async () => {
  const { status, out } = await run('sweep', '--order', 'oldest');
  expect(status).toBe(0);
  expect(out).toMatch(/^\d+ series looked through, \d+ instances needed a look\n$/);
});

test('a sweep that cannot be kept is an error', async () => {
  const place = await hookAddress();
  const stateDir = await freshState(real.orthanc.url);
  const broken = await startTestService({ orthanc: real.orthanc.url, hook: place, classifier, stateDir });
  // The service may write into it meanwhile.
  await rm(stateDir, { recursive: true, maxRetries: 10 });
  const { ended, out } = plainview(['sweep'], {
    PLAINVIEW_SECRET: place.secret,
    PLAINVIEW_PORT: String(place.port),
  });
  expect(await ended).not.toBe(0);
  expect(out()).toMatch(/The service refused: .*PLAINVIEW_STATE_DIR/);
  await mkdir(stateDir);
  await broken.stop();
});

test.each(['its hours', 'Orthanc'])(
  'for a sweep that waits for %s the command shows the reason',
  async (what) => {
    const hour = (from: number) => (new Date().getHours() + from) % 24;
    const hours = `${hour(2)}-${hour(3)}`;
    const place = await hookAddress();
    const away = what === 'Orthanc';
    const waiting = await startTestService({
      orthanc: away ? 'http://127.0.0.1:9' : real.orthanc.url,
      hook: place,
      classifier,
      ready: !away,
      env: { PLAINVIEW_ORTHANC_RETRIES: '0', ...(away ? {} : { PLAINVIEW_SWEEP_HOURS: hours }) },
    });
    const sweep = (...args: string[]) =>
      plainview(['sweep', ...args], {
        PLAINVIEW_SECRET: place.secret,
        PLAINVIEW_PORT: String(place.port),
      });
    const why = away
      ? /waits: Orthanc at http:\S+ does not answer/
      : new RegExp(`waits: it works from ${hour(2)}:00 to ${hour(3)}:00 .PLAINVIEW_SWEEP_HOURS`);
    const { child, out, ended } = sweep();
    await waitFor(() => why.test(out()));
    child.kill();
    await ended;
    const begun = sweep('--no-wait');
    expect(await begun.ended).toBe(0);
    expect(begun.out()).toMatch(why);
    await waiting.stop();
  },
);
