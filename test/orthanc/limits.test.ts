import { expect, test } from 'vitest';
import { stubClassifier } from '../support/classifier.js';
import { image, uid } from '../support/dicom.js';
import { storeInstance, waitFor, withOrthanc } from '../support/orthanc.js';
import { Reader, startTestService } from '../support/service.js';

test('an Orthanc that gives few resources at a time is asked until it has given all', async () => {
  const configuration = { LimitFindInstances: 2, LimitFindResults: 2 };
  await withOrthanc({ configuration }, async ({ url }) => {
    const classifier = stubClassifier();
    classifier.answer = async () => ({ category: 'knee_lateral', score: 0.6 });
    const service = await startTestService({ orthanc: url, classifier });
    try {
      const reader = new Reader(url);
      const stored: string[] = [];
      for (let n = 0; n < 5; n++)
        stored.push((await storeInstance(url, image({ seriesInstanceUid: uid(`limited ${n}`) }))).orthancId);
      for (const id of stored) await reader.decided(id);
      const headers = {
        'x-plainview-secret': service.secret,
        'x-plainview-user': 'alice',
        'x-plainview-role': 'admin',
        'content-type': 'application/json',
      };
      const get = async (path: string) => (await fetch(`${service.url}/api/v1/${path}`, { headers })).json();
      const worklist = (await get('worklist')) as { items: { instance: string }[] };
      expect(worklist.items.map(({ instance }) => instance).sort()).toEqual(stored.toSorted());

      classifier.answer = async () => ({ category: 'knee_lateral', score: 0.99 });
      const body = JSON.stringify({ selection: { label: 'needs_review' } });
      const asked = await fetch(`${service.url}/api/v1/requests`, { method: 'POST', headers, body });
      const { id } = (await asked.json()) as { id: string };
      await waitFor(async () => ((await get(`requests/${id}`)) as { state: string }).state === 'done');
      for (const each of stored) expect(await reader.labels(`instances/${each}`)).toEqual(['knee_lateral']);
    } finally {
      await service.stop();
    }
  });
});
