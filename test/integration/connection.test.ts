import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { Orthanc } from '../../src/orthanc/orthanc.js';
import { freePort } from '../../src/sandbox/ports.js';
import { stubClassifier } from '../../testkit/classifier.js';
import { image } from '../../testkit/dicom.js';
import { storeInstance, useOrthanc, waitFor, withOrthanc } from '../../testkit/orthanc.js';
import { Reader, startTestService } from '../../testkit/service.js';
import { fetchSigned } from '../../testkit/signed.js';
import { tlsProxy } from '../../testkit/tls-proxy.js';
import { isInPostgresql } from '../../testkit/variants.js';

const real = useOrthanc();
const start = (orthanc: string, env: NodeJS.ProcessEnv = {}, ready = true) =>
  startTestService({
    orthanc,
    env: { PLAINVIEW_ORTHANC_RETRIES: '0', ...env },
    ready,
    classifier: stubClassifier(),
  });

const readiness = async (url: string) => {
  const answer = await fetch(`${url}/health/ready`);
  return { status: answer.status, body: (await answer.json()) as { orthanc: { problem?: string } } };
};

test('Orthanc behind a path prefix, over HTTPS with a certificate of the site’s own', async () => {
  const proxy = await tlsProxy(real.orthanc.url, '/pacs/orthanc');
  const service = await start(proxy.url, { PLAINVIEW_ORTHANC_CA_FILE: proxy.caFile });
  const { orthancId } = await real.storeInstance(image());
  await service.notice(orthancId);
  expect(await new Reader(real.orthanc.url).decided(orthancId)).toBe('knee_lateral');
  await service.stop();

  const distrusting = await start(proxy.url, {}, false);
  await waitFor(async () => (await readiness(distrusting.url)).body.orthanc.problem?.includes('CERT'));
  await distrusting.stop();
  await proxy.close();
});

test('Orthanc with users and passwords; a wrong password is reported, and the service waits', async () => {
  const configuration = { RegisteredUsers: { plainview: 'right' } };
  await withOrthanc({ configuration }, async (orthanc) => {
    const user = { PLAINVIEW_ORTHANC_USERNAME: 'plainview' };
    const wrong = await start(orthanc.url, { ...user, PLAINVIEW_ORTHANC_PASSWORD: 'wrong' }, false);
    await waitFor(async () => {
      const { status, body } = await readiness(wrong.url);
      return status === 503 && body.orthanc.problem?.includes('PLAINVIEW_ORTHANC_USERNAME');
    });
    expect(wrong.log()).not.toContain('wrong"');
    await wrong.stop();

    const authorization = `Basic ${Buffer.from('plainview:right').toString('base64')}`;
    const stored = await fetch(`${orthanc.url}/instances`, {
      method: 'POST',
      headers: { authorization },
      body: new Uint8Array(image()),
    });
    const { ID } = (await stored.json()) as { ID: string };
    const service = await start(orthanc.url, { ...user, PLAINVIEW_ORTHANC_PASSWORD: 'right' });
    await service.notice(ID);
    const labels = await waitFor(async () => {
      const answer = await fetch(`${orthanc.url}/instances/${ID}/metadata/RadiographCategory`, {
        headers: { authorization },
      });
      return answer.ok && answer.text();
    });
    expect(labels).toBe('knee_lateral');
    await service.stop();
  });
});

test('Orthanc that requires revisions (CheckRevisions)', async () => {
  await withOrthanc({ configuration: { CheckRevisions: true } }, async (orthanc) => {
    const reader = new Reader(orthanc.url);
    const first = await start(orthanc.url);
    const { orthancId, study } = await storeInstance(orthanc.url, image());
    await first.notice(orthancId);
    await reader.decided(orthancId);
    await first.stop();
    // Another network overwrites everything that the first one wrote.
    const classifier = stubClassifier('b'.repeat(64));
    classifier.answer = async () => ({ category: 'hand_ap', score: 0.99 });
    const second = await startTestService({ orthanc: orthanc.url, classifier });
    await fetchSigned(second.secret, `${second.url}/api/v1/sweep`, { method: 'POST' });
    await waitFor(
      async () => (await reader.metadata(`instances/${orthancId}`, 'RadiographCategory')) === 'hand_ap',
    );
    expect(await reader.labels(`studies/${study}`)).toEqual(['hand_ap']);
    await second.stop();
  });
});

test('Orthanc that starts later, goes away and comes back: two lines in the log, and nothing is lost', async () => {
  const port = await freePort();
  const service = await start(`http://127.0.0.1:${port}`, {}, false);
  await waitFor(() => service.log().includes('Work waits'));
  expect((await readiness(service.url)).status).toBe(503);
  await withOrthanc({ port }, async (orthanc) => {
    await waitFor(async () => (await readiness(service.url)).status === 200);
    const { orthancId } = await storeInstance(orthanc.url, image());
    await orthanc.kill();
    // Notices still come, as from the queue of a proxy. For each of them Orthanc is away.
    for (let n = 0; n < 20; n++) await service.notice(orthancId.replace(/^......../, `0000000${n % 10}`));
    await service.notice(orthancId);
    await waitFor(async () => (await readiness(service.url)).status === 503);
    await orthanc.restart();
    await new Reader(orthanc.url).decided(orthancId);
    const lines = service.log().split('\n');
    expect(lines.filter((line) => line.includes('Work waits')).length).toBe(2);
    expect(lines.filter((line) => line.includes('Orthanc answers')).length).toBe(2);
  });
  await service.stop();
});

// Debian's PostgreSQL plugin 5.0 does not support this. Then all is read.
test.skipIf(isInPostgresql)(
  'Orthanc itself filters its change log, and does not send irrelevant changes',
  async () => {
    await withOrthanc({}, async ({ url }) => {
      await storeInstance(url, image());
      const orthanc = new Orthanc(loadConfig({ PLAINVIEW_ORTHANC_URL: url }));
      const log = await orthanc.changes.page(0, 100);
      orthanc.close();
      // Storing also adds changes for series, study and patient, with higher numbers.
      expect(log).toMatchObject({ changes: [{ kind: 'stored' }], done: true });
      expect(log.next).toBe(log.changes[0]?.seq);
    });
  },
);
