import { describe, expect, test } from 'vitest';
import { stubClassifier } from '../../testkit/classifier.js';
import { image, uid } from '../../testkit/dicom.js';
import { Listener } from '../../testkit/listener.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { hookAddress, Reader, startTestService } from '../../testkit/service.js';

const json = { 'content-type': 'application/json' };

import { signed as asPlugin } from '../../testkit/signed.js';

describe('Explorer’s plugin with the service', async () => {
  const hook = await hookAddress();
  const real = useOrthanc({
    hook,
    explorer: true,
    env: { PLAINVIEW_HOOK_QUIET_S: '1' },
    configuration: { Plainview: { DefaultRole: 'admin' } },
  });

  test('a request that came while it was away is done when it is back, with who and when', async () => {
    const instances = [];
    for (const series of [1, 2])
      instances.push(
        await real.storeInstance(
          image({ studyInstanceUid: uid('kept'), seriesInstanceUid: uid(`kept ${series}`) }),
        ),
      );
    const [{ study, orthancId } = { study: '', orthancId: '' }] = instances;
    const response = await fetch(`${real.orthanc.url}/plainview/reclassify`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ resources: study }),
    });
    expect([response.status, await response.json()]).toEqual([202, { kept: 1 }]);
    const started = await startTestService({
      orthanc: real.orthanc.url,
      hook,
      classifier: stubClassifier(),
      fromStart: true,
    });
    const reader = new Reader(real.orthanc.url);
    try {
      const record = await waitFor(async () => {
        const found = await reader.record(orthancId);
        return found?.requested && found;
      });
      expect(record.requested?.who).toBe('anonymous');
      expect(Math.abs(Date.now() - Date.parse(record.requested?.when ?? ''))).toBeLessThan(120_000);
      const again = await fetch(`${real.orthanc.url}/plainview/reclassify`, {
        method: 'POST',
        headers: json,
        body: JSON.stringify({ resources: [study, orthancId] }),
      });
      expect(again.status).toBe(202);
      expect(await again.json()).toMatchObject({ who: 'anonymous', state: 'running' });
      await waitFor(
        async () => (await reader.metadata(`studies/${study}`, 'RadiographReclassify')) === undefined,
      );
    } finally {
      await started.stop();
    }
  });

  test('a person corrects through Orthanc, and undoes the correction', async () => {
    const started = await startTestService({ orthanc: real.orthanc.url, hook, classifier: stubClassifier() });
    try {
      const { orthancId } = await real.storeInstance(image({ studyInstanceUid: uid('corrected') }));
      const reader = new Reader(real.orthanc.url);
      await reader.decided(orthancId);
      const changeDecision = async (method: string, leaf: string, body: object) => {
        const answer = await fetch(`${real.orthanc.url}/plainview/api/v1/instances/${orthancId}/${leaf}`, {
          method,
          headers: json,
          body: JSON.stringify({ ...body, of: (await reader.record(orthancId))?.when }),
        });
        expect(answer.status).toBe(200);
        return answer.json();
      };
      expect(await changeDecision('PUT', 'decision', { category: 'hand_ap' })).toMatchObject({
        category: 'hand_ap',
        person: { who: 'anonymous' },
      });
      expect(await changeDecision('POST', 'undo', {})).toMatchObject({
        category: 'knee_lateral',
        who: 'network',
      });
    } finally {
      await started.stop();
    }
  });

  test('what a program in its place received opens only the hook, and cannot be sent to it later', async () => {
    const impostor = new Listener();
    await impostor.listen(hook.port);
    try {
      // After a failure the hook pauses for a while.
      await waitFor(async () => {
        await real.storeInstance(image());
        return impostor.requests.length > 0;
      });
      const body = JSON.stringify({ selection: { all: true }, includingCorrected: true });
      for (const [method, path] of [
        ['POST', 'requests'],
        ['GET', 'worklist'],
      ] as const)
        await fetch(`${real.orthanc.url}/plainview/api/v1/${path}`, {
          method,
          headers: json,
          ...(method === 'POST' ? { body } : {}),
        });
    } finally {
      await impostor.close();
    }
    expect(JSON.stringify(impostor.requests)).not.toContain(hook.secret);
    const started = await startTestService({ orthanc: real.orthanc.url, hook, classifier: stubClassifier() });
    try {
      const notice = impostor.requests.find(({ url }) => url === '/hook');
      const signed = impostor.requests.filter(({ url }) => url !== '/hook');
      expect(signed).toHaveLength(2);
      for (const { method, url, headers, body } of signed) {
        const { host: _, connection: __, 'content-length': ___, ...own } = headers;
        const answer = await fetch(`${started.url}${url}`, {
          method,
          headers: own as Record<string, string>,
          ...(method === 'POST' ? { body } : {}),
        });
        expect([answer.status, await answer.json()]).toMatchObject([401, { code: 'clocks_differ' }]);
      }
      const key = String(notice?.headers['x-plainview-hook-key']);
      const withKey = async (path: string, headers: Record<string, string>, body?: string) =>
        (
          await fetch(`${started.url}${path}`, {
            method: body === undefined ? 'GET' : 'POST',
            headers,
            ...(body === undefined ? {} : { body }),
          })
        ).status;
      expect(await withKey('/hook', { 'x-plainview-hook-key': key }, notice?.body)).toBe(202);
      for (const headers of [
        { 'x-plainview-hook-key': key },
        { 'x-plainview-secret': key },
        { authorization: `Bearer ${key}` },
        asPlugin(key, `${started.url}/api/v1/worklist`),
      ])
        expect(await withKey('/api/v1/worklist', headers)).toBe(401);
    } finally {
      await started.stop();
    }
  });
});
