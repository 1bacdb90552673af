import { afterEach, describe, expect, test } from 'vitest';
import { image } from '../../../testkit/dicom.js';
import { type FakeOrthanc, startFakeOrthanc } from '../../../testkit/fake-orthanc.js';
import { scriptNames, scripts, transcriptOf } from '../../../testkit/orthanc-conformance/suite.js';

let fake: FakeOrthanc | undefined;
afterEach(() => fake?.stop());
async function start(options: Parameters<typeof startFakeOrthanc>[0] = {}): Promise<FakeOrthanc> {
  fake = await startFakeOrthanc(options);
  return fake;
}

test.each(scriptNames)('the fake answers like the real Orthanc: %s', async (name) => {
  const isStrict = name === 'strict';
  const { url } = await start({ overwriteInstances: isStrict, checkRevisions: isStrict });
  expect(await scripts[name].run(url)).toBe(await transcriptOf(name));
});

describe('for tests, the fake', () => {
  test('records calls, and lets a test answer or cut one', async () => {
    const orthanc = await start();
    orthanc.intercept = ({ path }) =>
      path === '/system' ? { status: 503, body: 'busy' } : path === '/series' ? 'cut' : undefined;
    expect((await fetch(`${orthanc.url}/system`)).status).toBe(503);
    await expect(fetch(`${orthanc.url}/series`)).rejects.toThrow();
    expect(await (await fetch(`${orthanc.url}/instances?limit=1`)).json()).toEqual([]);
    expect(orthanc.calls).toEqual([
      { method: 'GET', path: '/system' },
      { method: 'GET', path: '/series' },
      { method: 'GET', path: '/instances?limit=1' },
    ]);
  });

  test('holds a call before it has an effect, until it is released', async () => {
    const orthanc = await start();
    const { ID } = orthanc.store(image());
    const { reached, release } = orthanc.hold(({ method }) => method === 'PUT');
    const put = fetch(`${orthanc.url}/instances/${ID}/labels/knee_ap`, { method: 'PUT' });
    await reached;
    expect(orthanc.labels(ID)).toEqual([]);
    release();
    await put;
    expect(orthanc.labels(ID)).toEqual(['knee_ap']);
  });

  test('sends to the peers that it is given', async () => {
    const orthanc = await start({ destinations: { peers: ['backup'] } });
    const { ID } = orthanc.store(image());
    const body = JSON.stringify({ Resources: [ID] });
    const answer = await fetch(`${orthanc.url}/peers/backup/store`, { method: 'POST', body });
    const job = (await answer.json()) as { Path: string };
    expect(await (await fetch(orthanc.url + job.Path)).json()).toMatchObject({ State: 'Success' });
    expect(orthanc.sent).toEqual([{ destination: 'peers/backup', instances: [ID] }]);
  });
});
