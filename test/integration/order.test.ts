import sharp from 'sharp';
import { expect, test } from 'vitest';
import { type Stub, stubClassifier } from '../../testkit/classifier.js';
import { image, uid } from '../../testkit/dicom.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { hookAddress, Reader, type TestService } from '../../testkit/service.js';
import { useServices } from '../../testkit/services.js';
import { fetchSigned } from '../../testkit/signed.js';

const hook = await hookAddress();
const real = useOrthanc({ hook });
const services = useServices(real, hook);

const service = (classifier: Stub = stubClassifier(), env: NodeJS.ProcessEnv = {}): Promise<TestService> =>
  services.service({ classifier, env });

const reader = () => new Reader(real.orthanc.url);

test('a picture that differs from the order is marked on all three levels, until the decision changes', async () => {
  const { classifier, url, secret } = await service();
  const { orthancId, series, study } = await real.storeInstance(
    image({
      studyInstanceUid: uid('mismatch'),
      // ISO_IR 100, as in the fixture.
      attributes: { '0008,1030': ['LO', 'Hände bds. dv'], '0018,0015': ['CS', 'HAND'] },
    }),
  );
  await reader().decided(orthancId);
  for (const resource of [`instances/${orthancId}`, `series/${series}`, `studies/${study}`])
    expect(await reader().labels(resource)).toEqual(['knee_lateral', 'order_mismatch']);
  expect((await reader().record(orthancId))?.order).toMatchObject({
    answer: 'differs',
    bodyPart: {
      answer: 'differs',
      reason: 'The picture shows KNEE; BodyPartExamined says HAND, StudyDescription says HAND.',
    },
    projection: { answer: 'differs' },
    side: { answer: 'cannot_tell' },
    words: expect.arrayContaining([{ attribute: 'StudyDescription', word: 'hande', means: 'HAND' }]),
  });

  classifier.answer = async () => ({ category: 'hand_ap', score: 0.5 });
  await reader().put(`instances/${orthancId}`, 'RadiographReclassify', '{}');
  await waitFor(async () => (await reader().record(orthancId))?.decision === 'needs_review');
  await reader().decided(orthancId);
  for (const resource of [`instances/${orthancId}`, `series/${series}`, `studies/${study}`])
    expect(await reader().labels(resource)).toEqual(['needs_review']);

  const of = (await reader().record(orthancId))?.when;
  const corrected = await fetchSigned(secret, `${url}/api/v1/instances/${orthancId}/decision`, {
    method: 'PUT',
    body: JSON.stringify({ category: 'hand_ap', of }),
  });
  expect(corrected.status).toBe(200);
  expect((await reader().record(orthancId))?.order).toMatchObject({
    answer: 'agrees',
    bodyPart: { answer: 'agrees' },
    projection: { answer: 'agrees' },
  });
});

test('a marker on the film that contradicts the order is a mismatch until a person answers; the category stays', async () => {
  const { classifier, url, secret } = await service();
  classifier.side = { marked: 'R', score: 0.99 };
  const { orthancId } = await real.storeInstance(
    image({ studyInstanceUid: uid('marker'), attributes: { '0008,1030': ['LO', 'Knie links seitlich'] } }),
  );
  const resource = `instances/${orthancId}`;
  await reader().decided(orthancId);
  expect(await reader().labels(resource)).toEqual(['knee_lateral', 'order_mismatch']);
  const record = await reader().record(orthancId);
  expect(record).toMatchObject({
    category: 'knee_lateral',
    side: { marked: 'R', score: 0.99 },
    order: {
      bodyPart: { answer: 'agrees' },
      side: { reason: 'The marker on the film says right; StudyDescription says left.' },
    },
  });

  const answered = await fetchSigned(secret, `${url}/api/v1/instances/${orthancId}/acknowledgement`, {
    method: 'POST',
    body: JSON.stringify({ answer: 'order_wrong', of: record?.when }),
  });
  expect(answered.status).toBe(200);
  expect(await reader().labels(resource)).toEqual(['knee_lateral', 'settled_by_person']);
  expect((await reader().record(orthancId))?.side).toEqual({ marked: 'R', score: 0.99 });
});

test('sequences of codes and of requests are read, and invalid items are skipped', async () => {
  await service();
  const { orthancId, study } = await real.storeInstance(image({ studyInstanceUid: uid('coded order') }));
  const attributes = {
    RequestAttributesSequence: [{ RequestedProcedureDescription: 'Knie rechts seitl.' }, {}],
    ViewCodeSequence: [{ CodeValue: '399067008', CodingSchemeDesignator: 'SCT', CodeMeaning: 'lateral' }],
    AnatomicRegionSequence: [],
    ImageLaterality: 'L',
    ProtocolName: '',
  };
  const tags = { ...attributes, SOPClassUID: '1.2.840.10008.5.1.4.1.1.1.1', Modality: 'DX' };
  const raw = { width: 2, height: 1, channels: 1 } as const;
  const png = await sharp(Buffer.from([0, 255]), { raw })
    .toColourspace('b-w')
    .png()
    .toBuffer();
  const picture = `data:image/png;base64,${png.toString('base64')}`;
  const created = await fetch(`${real.orthanc.url}/tools/create-dicom`, {
    method: 'POST',
    body: JSON.stringify({ Parent: study, Tags: tags, Content: picture }),
  });
  const { ID } = (await created.json()) as { ID: string };
  await reader().decided(ID);
  await reader().decided(orthancId);
  expect((await reader().record(ID))?.order).toMatchObject({
    answer: 'differs',
    bodyPart: { answer: 'agrees' },
    projection: { answer: 'agrees' },
    side: { answer: 'differs' },
  });
});

test('an invalid file of words stops the start', async () => {
  await expect(service(stubClassifier(), { PLAINVIEW_ORDER_WORDS: '/nowhere/words.yaml' })).rejects.toThrow(
    /PLAINVIEW_ORDER_WORDS.*nowhere/,
  );
});
