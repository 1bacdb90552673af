import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { callApi } from '../../testkit/api.js';
import { hold, stubClassifier } from '../../testkit/classifier.js';
import { image, instance, uid } from '../../testkit/dicom.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { freshState, hookAddress, Reader } from '../../testkit/service.js';
import { useServices } from '../../testkit/services.js';
import { fetchSigned } from '../../testkit/signed.js';

const hook = await hookAddress();
const real = useOrthanc({ hook });
const { running, service } = useServices(real, hook);

const reader = () => new Reader(real.orthanc.url);

describe('a stored radiograph', () => {
  test('gets its category as metadata and as a label on instance, series and study', async () => {
    await service();
    const { orthancId, series, study } = await real.storeInstance(image({ modality: 'CR' }));
    expect(await reader().decided(orthancId)).toBe('knee_lateral');
    expect(await reader().record(orthancId)).toMatchObject({
      decision: 'category',
      category: 'knee_lateral',
      who: 'network',
      network: { name: 'stub', sha256: 'a'.repeat(64) },
      engine: 'onnxruntime',
      labels: ['knee_lateral'],
    });
    expect((await reader().record(orthancId))?.top).toHaveLength(5);
    for (const resource of [`instances/${orthancId}`, `series/${series}`, `studies/${study}`])
      expect(await reader().labels(resource)).toEqual(['knee_lateral']);
    expect(await reader().group(`studies/${study}`)).toEqual({
      version: 1,
      categories: { knee_lateral: 1 },
      decisions: { category: 1 },
      labels: ['knee_lateral'],
    });
  });

  test('with a low score needs review, and gets no category', async () => {
    const { classifier } = await service();
    classifier.answer = async () => ({ category: 'knee_ap', score: 0.6 });
    const { orthancId, study } = await real.storeInstance(image());
    expect(await reader().decided(orthancId)).toBe('unknown');
    expect(await reader().labels(`studies/${study}`)).toEqual(['needs_review']);
    expect((await reader().record(orthancId))?.top[0]).toMatchObject({ category: 'knee_ap' });
  });

  test('of no known category is an unknown view', async () => {
    const { classifier } = await service();
    classifier.answer = async () => ({ category: 'other', score: 0.97 });
    const { orthancId, study } = await real.storeInstance(image());
    await reader().decided(orthancId);
    expect(await reader().labels(`studies/${study}`)).toEqual(['unknown_view']);
  });

  test('that is not upright has a label where the site wants it, which goes once it is upright', async () => {
    const first = await service({ env: { PLAINVIEW_ORIENTATION: 'label' } });
    first.classifier.orientation = { turned: 90, score: 0.97, mirrored: true };
    const studyInstanceUid = uid('not upright');
    const { orthancId, series, study } = await real.storeInstance(image({ studyInstanceUid }));
    await reader().decided(orthancId);
    const levels = [`instances/${orthancId}`, `series/${series}`, `studies/${study}`];
    for (const level of levels) expect(await reader().labels(level)).toEqual(['knee_lateral', 'not_upright']);
    const hanging = await fetchSigned(
      first.secret,
      `${first.url}/api/v1/studies/${studyInstanceUid}/hanging`,
    );
    expect(await hanging.json()).toMatchObject({ instances: [{ turned: 90, mirrored: true }] });
    await first.stop();
    running.splice(0);

    const better = stubClassifier('b'.repeat(64));
    better.orientation = { turned: 0, score: 0.97, mirrored: false };
    const second = await service({ classifier: better, env: { PLAINVIEW_ORIENTATION: 'label' } });
    await fetchSigned(second.secret, `${second.url}/api/v1/sweep`, { method: 'POST' });
    for (const level of levels)
      await waitFor(async () => (await reader().labels(level)).join() === 'knee_lateral');
  });

  test('has the site’s prefix on every label', async () => {
    await service({ env: { PLAINVIEW_LABEL_PREFIX: 'rx-' } });
    const { orthancId, study } = await real.storeInstance(image());
    await reader().decided(orthancId);
    expect(await reader().labels(`studies/${study}`)).toEqual(['rx-knee_lateral']);
  });
});

/** Four frames. The grey level of each shows its number. */
const fourFrames = () => {
  const frame = (grey: number) => {
    // A picture of one single value is a failure.
    return Buffer.alloc(64 * 64, grey).fill(grey + 40 > 255 ? grey - 40 : grey + 40, 0, 32 * 64);
  };
  const pixels = Buffer.concat([0, 1, 2, 3].map((number) => frame(number * 80)));
  return image({ frames: 4, bitsStored: 8, window: { center: 128, width: 256 }, pixels });
};
const numberOf = (grey = Number.NaN): number => Math.round(grey / 80);

describe('of an instance with several frames', () => {
  test.each([
    ['first', 0],
    ['middle', 1],
  ])('the %s one is classified and shown to people', async (multiframe, number) => {
    const of = await service({ env: { PLAINVIEW_MULTIFRAME: multiframe } });
    const { orthancId } = await real.storeInstance(fourFrames());
    await reader().decided(orthancId);
    // The last byte of a picture is its last pixel.
    expect(of.classifier.pictures.map((picture) => numberOf(picture.at(-1)))).toEqual([number]);
    const { json } = await callApi(of, 'GET', `/instances/${orthancId}/picture`, { role: 'viewer' });
    expect(numberOf((await sharp(json).stats()).channels[0]?.mean)).toBe(number);
  });

  test('none is classified if the site wants them skipped', async () => {
    const of = await service({ env: { PLAINVIEW_MULTIFRAME: 'skip' } });
    const { orthancId } = await real.storeInstance(fourFrames());
    // The notice of the hook and the change log both lead to a job.
    await waitFor(async () => /skipped_total{why="multiframe"} [1-9]/.test(await of.metrics()));
    expect(await reader().metadata(`instances/${orthancId}`, 'RadiographCategory')).toBeUndefined();
    expect(of.classifier.pictures).toEqual([]);
  });
});

describe('a study', () => {
  test('has the union of the labels of its instances, however many are decided at the same time', async () => {
    const { classifier } = await service({ env: { PLAINVIEW_CONCURRENCY: '8' } });
    const categories = [
      'knee_ap',
      'knee_lateral',
      'hand_ap',
      'ankle_ap',
      'pelvis_ap',
      'wrist_ap',
      'elbow_ap',
      'abdomen_ap',
    ];
    let waiting: (() => void)[] = [];
    let next = 0;
    // Each classification waits for the others, so that all eight are recorded at the same time.
    classifier.answer = async () => {
      const category = categories[next++] ?? '';
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === categories.length) {
          for (const go of waiting) go();
          waiting = [];
        }
      });
      return { category, score: 0.99 };
    };
    const studyInstanceUid = uid('union');
    const stored = await Promise.all(
      categories.map((_category, index) =>
        real.storeInstance(image({ studyInstanceUid, seriesInstanceUid: uid(`union series ${index % 3}`) })),
      ),
    );
    for (const { orthancId } of stored) await reader().decided(orthancId);
    const study = stored[0]?.study;
    expect(await reader().labels(`studies/${study}`)).toEqual([...categories].sort());
    expect((await reader().group(`studies/${study}`))?.decisions).toEqual({ category: 8 });
    const ofSeries = await Promise.all(
      [...new Set(stored.map(({ series }) => series))].map((id) => reader().labels(`series/${id}`)),
    );
    expect(ofSeries.flat().sort()).toEqual([...categories].sort());
  });

  test('keeps labels of others, and loses only stale labels of Plainview', async () => {
    const first = await service();
    first.classifier.answer = async () => ({ category: 'knee_ap', score: 0.5 });
    const { orthancId, study } = await real.storeInstance(image());
    await reader().decided(orthancId);
    for (const label of ['teaching', 'hand_ap']) await reader().label(`studies/${study}`, label);
    await first.stop();
    running.splice(0);

    const better = await service({ classifier: stubClassifier('b'.repeat(64)) });
    await fetchSigned(better.secret, `${better.url}/api/v1/sweep`, { method: 'POST' });
    await waitFor(async () => (await reader().record(orthancId))?.network.sha256 === 'b'.repeat(64));
    expect(await reader().decided(orthancId)).toBe('knee_lateral');
    await waitFor(async () => !(await reader().labels(`studies/${study}`)).includes('needs_review'));
    // A category that somebody else names is a proposal, for a person to take or dismiss.
    const labels = ['category_proposed', 'hand_ap', 'knee_lateral', 'teaching'];
    expect(await reader().labels(`studies/${study}`)).toEqual(labels);
    expect(await reader().labels(`instances/${orthancId}`)).toEqual(['knee_lateral']);
  });
});

describe('after a second notice', () => {
  test('nothing is written a second time', async () => {
    const { notice, metrics, classifier } = await service();
    const { orthancId, study } = await real.storeInstance(image());
    await reader().decided(orthancId);
    const before = await reader().lastChange();
    const looked = classifier.pictures.length;
    await notice(orthancId);
    await waitFor(async () => /skipped_total\{why="already_decided"\} [1-9]/.test(await metrics()));
    for (const id of [orthancId, study]) expect(await reader().writesSince(before, id)).toBe(0);
    expect(classifier.pictures).toHaveLength(looked);
  });

  test('a correction by a person is never overruled', async () => {
    const { notice, metrics, classifier } = await service();
    const { orthancId } = await real.storeInstance(image());
    await reader().decided(orthancId);
    const record = await reader().record(orthancId);
    const corrected = {
      ...record,
      who: 'person',
      category: 'knee_ap',
      network: { name: 'old', sha256: 'c' },
    };
    await reader().put(`instances/${orthancId}`, 'Radiograph', JSON.stringify(corrected));
    await notice(orthancId);
    await waitFor(async () => /why="corrected_by_person"} [1-9]/.test(await metrics()));
    expect(classifier.pictures).toHaveLength(1);
    expect((await reader().record(orthancId))?.category).toBe('knee_ap');
  });

  test('what a crash left incomplete is completed', async () => {
    const { notice } = await service();
    const { orthancId, study } = await real.storeInstance(image());
    await reader().decided(orthancId);
    // As after a crash between the instance's record and the study's label.
    await fetch(`${real.orthanc.url}/studies/${study}/labels/knee_lateral`, { method: 'DELETE' });
    await fetch(`${real.orthanc.url}/instances/${orthancId}/metadata/RadiographCategory`, {
      method: 'DELETE',
    });
    await notice(orthancId);
    await reader().decided(orthancId);
    expect(await reader().labels(`studies/${study}`)).toEqual(['knee_lateral']);
  });
});

describe('not classified', () => {
  test.each([
    ['CT', image({ modality: 'CT' }), 'modality'],
    ['SR', instance({ modality: 'SR' }), 'modality'],
    ['presentation state', instance({ modality: 'PR' }), 'modality'],
    ['radiograph without pixels', instance({ modality: 'CR' }), 'no_pixels'],
  ])('a %s', async (_what, bytes, why) => {
    const { notice, metrics, classifier } = await service();
    const { orthancId } = await real.storeInstance(bytes);
    await notice(orthancId);
    await waitFor(async () => new RegExp(`why="${why}"} [1-9]`).test(await metrics()));
    expect(classifier.pictures).toHaveLength(0);
    expect(await reader().labels(`instances/${orthancId}`)).toEqual([]);
  });

  test('an instance that was deleted before it was fetched, or while it was classified', async () => {
    const { notice, metrics, classifier } = await service();
    const remove = (id: string) => fetch(`${real.orthanc.url}/instances/${id}`, { method: 'DELETE' });
    await notice('00000001-00000002-00000003-00000004-00000005');
    await waitFor(async () => (await metrics()).includes('why="gone"} 1'));
    const { orthancId } = await real.storeInstance(image({ modality: 'IO' }));
    await reader().decided(orthancId);
    const gate = hold(classifier, { category: 'knee_ap', score: 0.99 });
    const second = await real.storeInstance(image());
    await gate.reached;
    await remove(second.orthancId);
    gate.release();
    // A job that the change log makes of it counts too.
    await waitFor(async () => /why="gone"} [2-9]/.test(await metrics()));
  });
});

describe('what the hook missed', () => {
  test('is found in the change log, also after a restart, and not classified again', async () => {
    const stateDir = await freshState(real.orthanc.url);
    const { orthancId } = await real.storeInstance(image());
    const first = await service({ stateDir });
    await reader().decided(orthancId);
    await first.stop();
    running.splice(0);
    const { orthancId: later } = await real.storeInstance(image());
    const second = await service({ stateDir });
    await reader().decided(later);
    expect(second.classifier.pictures).toHaveLength(1);
  });
});

test('neither log nor metrics ever contain patient data', async () => {
  const { log, metrics, notice, classifier } = await service();
  classifier.answer = async () => {
    throw new Error('the network broke');
  };
  const names = { patientName: 'SECRET^NAME', patientId: 'SECRET-ID' };
  const { orthancId } = await real.storeInstance(
    image({ ...names, attributes: { '0008,1030': ['LO', 'SECRET STUDY'] } }),
  );
  await real.storeInstance(instance({ ...names, modality: 'CR' }));
  await notice(orthancId);
  await waitFor(() => log().includes('an attempt failed'));
  expect(log() + (await metrics())).not.toMatch(/SECRET/);
});
