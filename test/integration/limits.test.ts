import { expect, test } from 'vitest';
import type { Entry } from '../../src/contract/review.js';
import { callApi } from '../../testkit/api.js';
import { stubClassifier } from '../../testkit/classifier.js';
import { image, uid } from '../../testkit/dicom.js';
import { storeInstance, waitFor, withOrthanc } from '../../testkit/orthanc.js';
import { Reader, startTestService } from '../../testkit/service.js';

test('an Orthanc that returns few resources per call is called until all are read', async () => {
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
      const worklist = await callApi(service, 'GET', '/worklist');
      expect(worklist.json.items.map(({ instance }: Entry) => instance).sort()).toEqual(stored.toSorted());

      classifier.answer = async () => ({ category: 'knee_lateral', score: 0.99 });
      const response = await callApi(service, 'POST', '/requests', {
        body: { selection: { label: 'needs_review' } },
      });
      await waitFor(
        async () => (await callApi(service, 'GET', `/requests/${response.json.id}`)).json.state === 'done',
      );
      for (const each of stored) expect(await reader.labels(`instances/${each}`)).toEqual(['knee_lateral']);
    } finally {
      await service.stop();
    }
  });
});
