import { describe, expect, test } from 'vitest';
import { createError } from '../../src/errors/errors.js';
import { callApi } from '../../testkit/api.js';
import { type Stub, stubClassifier } from '../../testkit/classifier.js';
import { image, uid } from '../../testkit/dicom.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { hookAddress, Reader, type TestService } from '../../testkit/service.js';
import { useServices } from '../../testkit/services.js';
import { fetchSigned } from '../../testkit/signed.js';

const hook = await hookAddress();
const real = useOrthanc({ hook });
const services = useServices(real, hook);

const service = (report: 'study' | 'instance', classifier: Stub = stubClassifier()): Promise<TestService> =>
  services.service({ classifier, env: { PLAINVIEW_REPORT: report } });

const reader = () => new Reader(real.orthanc.url);
const get = async (path: string) => (await fetch(`${real.orthanc.url}${path}`)).json();

async function reportsOf(study: string): Promise<string[]> {
  const instances = (await get(`/studies/${study}/instances?expand`)) as { ID: string }[];
  const classes = await Promise.all(
    instances.map(async ({ ID }) => (await get(`/instances/${ID}/simplified-tags`)) as { Modality: string }),
  );
  return instances.filter((_, index) => classes[index]?.Modality === 'SR').map(({ ID }) => ID);
}

/** Waits until there are that many reports and each instance refers to its report. */
async function settledReports(study: string, count: number, instances: string[]): Promise<string[]> {
  for (const id of instances)
    await waitFor(
      async () => {
        const [result, record] = [
          await reader().metadata(`instances/${id}`, 'RadiographResult'),
          await reader().record(id),
        ];
        return result !== undefined && JSON.parse(result).of === record?.when;
      },
      { what: `the report on ${id}` },
    );
  return waitFor(
    async () => {
      const found = await reportsOf(study);
      return found.length === count && found;
    },
    { what: `${count} reports` },
  );
}

describe('a report for each study', () => {
  test('contains region and view of every instance, in the study of its patient', async () => {
    const categories = ['knee_ap', 'knee_lateral'];
    const classifier = stubClassifier();
    classifier.answer = async () => ({ category: categories.shift() ?? 'other', score: 0.99 });
    await service('study', classifier);
    const studyInstanceUid = uid('reported study');
    const stored = [
      await real.storeInstance(image({ studyInstanceUid, seriesInstanceUid: uid('reported 1') })),
      await real.storeInstance(image({ studyInstanceUid, seriesInstanceUid: uid('reported 2') })),
    ];
    const study = stored[0]?.study ?? '';
    const [report = ''] = await settledReports(
      study,
      1,
      stored.map(({ orthancId }) => orthancId),
    );
    const tags = (await get(`/instances/${report}/tags?simplify`)) as Record<string, unknown>;
    expect(tags).toMatchObject({
      SOPClassUID: '1.2.840.10008.5.1.4.1.1.88.34',
      StudyInstanceUID: studyInstanceUid,
      PatientID: 'PLAINVIEW-TEST',
      CompletionFlag: 'COMPLETE',
    });
    const text = JSON.stringify(tags.ContentSequence);
    for (const word of ['Knee', 'antero-posterior', 'lateral', 'knee_ap', 'knee_lateral', 'a'.repeat(64)])
      expect(text).toContain(word);
    const [evidence] = tags.CurrentRequestedProcedureEvidenceSequence as {
      ReferencedSeriesSequence: object[];
    }[];
    expect(evidence?.ReferencedSeriesSequence).toHaveLength(2);
    expect(await reader().labels(`instances/${report}`)).toEqual([]);
    expect(await reader().metadata(`instances/${report}`, 'Radiograph')).toBeUndefined();
  });

  test('is replaced when a decision changes, and the report itself is never classified', async () => {
    const first = await service('study');
    const { orthancId, study } = await real.storeInstance(image({ studyInstanceUid: uid('changed') }));
    const [before = ''] = await settledReports(study, 1, [orthancId]);
    first.classifier.answer = async () => ({ category: 'ankle_ap', score: 0.98 });
    await reader().put(`instances/${orthancId}`, 'RadiographReclassify', '{}');
    await waitFor(async () => (await reader().record(orthancId))?.category === 'ankle_ap');
    const [after = ''] = await settledReports(study, 1, [orthancId]);
    expect(after).not.toBe(before);
    expect(JSON.stringify(await get(`/instances/${after}/simplified-tags`))).toContain('ankle_ap');
    expect(first.classifier.pictures).toHaveLength(2);
  });

  test('that a crash left is replaced too, and a clinical instance with the same reference is not deleted', async () => {
    await service('study');
    const studyInstanceUid = uid('crashed');
    const sopInstanceUid = uid('clinical');
    const { orthancId, study } = await real.storeInstance(image({ studyInstanceUid, sopInstanceUid }));
    await settledReports(study, 1, [orthancId]);
    const known = JSON.parse((await reader().metadata(`studies/${study}`, 'RadiographResult')) ?? '{}');
    await reader().put(
      `studies/${study}`,
      'RadiographResult',
      JSON.stringify({ ...known, stale: [known.report, sopInstanceUid], report: uid('never stored') }),
    );
    await reader().put(`instances/${orthancId}`, 'RadiographReclassify', '{}');
    const former = (await reader().record(orthancId))?.when;
    await waitFor(async () => (await reader().record(orthancId))?.when !== former);
    await settledReports(study, 1, [orthancId]);
    expect((await get(`/instances/${orthancId}`)) as object).toMatchObject({ ID: orthancId });
  });
});

describe('a report for each instance', () => {
  test('exists for each, also for those that need review, then without codes', async () => {
    const answers = [
      { category: 'knee_ap', score: 0.99 },
      { category: 'knee_ap', score: 0.5 },
    ];
    const classifier = stubClassifier();
    classifier.answer = async () => answers.shift() ?? { category: 'other', score: 0.99 };
    await service('instance', classifier);
    const studyInstanceUid = uid('each');
    const first = await real.storeInstance(image({ studyInstanceUid }));
    await reader().decided(first.orthancId);
    const second = await real.storeInstance(image({ studyInstanceUid }));
    const reports = await settledReports(first.study, 2, [first.orthancId, second.orthancId]);
    const texts = await Promise.all(
      reports.map(async (id) => JSON.stringify(await get(`/instances/${id}/simplified-tags`))),
    );
    expect(texts.filter((text) => text.includes('Target Region'))).toHaveLength(1);
    expect(texts.filter((text) => text.includes('needs_review'))).toHaveLength(1);
  });

  test('is added by a service that starts with reports switched on', async () => {
    const plain = await services.service();
    const { orthancId, study } = await real.storeInstance(image({ studyInstanceUid: uid('later') }));
    await reader().decided(orthancId);
    await plain.stop();
    const later = await service('instance');
    await fetchSigned(later.secret, `${later.url}/api/v1/sweep`, { method: 'POST' });
    await settledReports(study, 1, [orthancId]);
    expect(later.classifier.pictures).toHaveLength(0);
  });
});

test.each(['study', 'instance'] as const)(
  'a report for each %s is deleted when it has no decision any more',
  async (level) => {
    const of = await service(level);
    const { orthancId, study } = await real.storeInstance(
      image({ studyInstanceUid: uid(`failed ${level}`) }),
    );
    await settledReports(study, 1, [orthancId]);
    of.classifier.answer = async () => {
      throw createError('picture_undecodable', { problem: 'it is none' });
    };
    await reader().put(`instances/${orthancId}`, 'RadiographReclassify', '{}');
    await waitFor(async () => (await reader().record(orthancId))?.decision === 'failed');
    await settledReports(study, 0, [orthancId]);
    of.classifier.answer = async () => ({ category: 'ankle_ap', score: 0.99 });
    await reader().put(`instances/${orthancId}`, 'RadiographReclassify', '{}');
    await waitFor(async () => (await reader().record(orthancId))?.decision === 'category');
    await settledReports(study, 1, [orthancId]);
  },
);

test('a report names the person whose decision it contains', async () => {
  const of = await service('instance');
  const { orthancId, study } = await real.storeInstance(image({ studyInstanceUid: uid('a person') }));
  await settledReports(study, 1, [orthancId]);
  const body = { category: 'hand_ap', of: (await reader().record(orthancId))?.when };
  await callApi(of, 'PUT', `/instances/${orthancId}/decision`, { body, role: 'reviewer', who: 'dr.alice' });
  const [report] = await settledReports(study, 1, [orthancId]);
  expect(JSON.stringify(await get(`/instances/${report}/simplified-tags`))).toContain(
    '"PersonName":"dr.alice^"',
  );
});
