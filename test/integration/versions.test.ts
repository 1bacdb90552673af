import { isDeepStrictEqual } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { callApi } from '../../testkit/api.js';
import { plainview } from '../../testkit/cli.js';
import { image, uid } from '../../testkit/dicom.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { hookAddress, Reader } from '../../testkit/service.js';
import { useServices } from '../../testkit/services.js';
import { forgetFormer, formerVersions, readFormer, restoreFormer } from '../../testkit/upgrade/former.js';

const hook = await hookAddress();
const real = useOrthanc({ hook });
const { service, stop } = useServices(real, hook);
const reader = () => new Reader(real.orthanc.url);

describe('a record of a newer version', () => {
  /** A study with a decided instance, and one that a newer Plainview has decided. */
  async function mixedStudy() {
    const studyInstanceUid = uid(`newer ${Math.floor(performance.now() * 1000)}`);
    await service();
    const ours = await real.storeInstance(image({ studyInstanceUid }));
    await reader().decided(ours.orthancId);
    const theirs = await real.storeInstance(image({ studyInstanceUid }));
    const record = await reader().metadata(`instances/${await decidedId(theirs.orthancId)}`, 'Radiograph');
    await stop();
    const newer = JSON.stringify({
      ...JSON.parse(record ?? ''),
      version: 2,
      who: 'person',
      regions: ['knee'],
    });
    await reader().put(`instances/${theirs.orthancId}`, 'Radiograph', newer);
    await reader().label(`instances/${theirs.orthancId}`, 'patella_axial');
    await reader().label(`studies/${theirs.study}`, 'patella_axial');
    return { ours, theirs, newer };
  }
  const decidedId = async (id: string) => {
    await reader().decided(id);
    return id;
  };

  test('is neither overwritten nor decided anew, whatever asks for it, and its labels stay', async () => {
    const { ours, theirs, newer } = await mixedStudy();
    const study = await reader().metadata(`studies/${theirs.study}`, 'Radiograph');
    const again = await service({ fromStart: true });
    await again.notice(theirs.orthancId);
    await reader().put(
      `instances/${theirs.orthancId}`,
      'RadiographReclassify',
      JSON.stringify({ who: 'x', includingCorrected: true }),
    );
    await waitFor(async () => /why="other_version"} [1-9]/.test(await again.metrics()));
    const { json } = await callApi(again, 'POST', '/sweep', { body: {} });
    expect(json).toMatchObject({ state: 'running' });
    await waitFor(async () => (await callApi(again, 'GET', '/sweep')).json.state === 'idle');
    expect(await reader().metadata(`instances/${theirs.orthancId}`, 'Radiograph')).toBe(newer);
    expect(await reader().labels(`instances/${theirs.orthancId}`)).toContain('patella_axial');
    expect(await reader().labels(`studies/${theirs.study}`)).toContain('patella_axial');
    expect(await reader().metadata(`studies/${theirs.study}`, 'Radiograph')).toBe(study);
    expect(await reader().record(ours.orthancId)).toMatchObject({ category: 'knee_lateral' });
    expect(again.log()).toContain('another version of Plainview wrote a record of this instance');
  });

  test('is listed by `plainview find --other-version`, and by no condition on its decision', async () => {
    const { ours, theirs } = await mixedStudy();
    const find = async (...args: string[]) => {
      const { ended, out } = plainview(['find', ...args], { PLAINVIEW_ORTHANC_URL: real.orthanc.url });
      expect(await ended).toBe(0);
      return out();
    };
    const listed = await find('--other-version');
    expect(listed).toMatch(new RegExp(`,other_version,.*${theirs.orthancId}`));
    expect(listed).not.toContain(ours.orthancId);
    const all = await find('--all');
    expect(all).toContain(ours.orthancId);
    expect(all).toContain(theirs.orthancId);
    expect(await find('--category', 'knee_lateral')).not.toContain(theirs.orthancId);
  });

  test('is not for a reviewer to change', async () => {
    const { theirs, newer } = await mixedStudy();
    const again = await service();
    const { when } = JSON.parse(newer);
    const answer = await callApi(again, 'PUT', `/instances/${theirs.orthancId}/decision`, {
      body: { category: 'hand_ap', of: when },
    });
    expect(answer).toMatchObject({ status: 409, json: { code: 'record_of_other_version' } });
    expect(await reader().metadata(`instances/${theirs.orthancId}`, 'Radiograph')).toBe(newer);
  });
});

test('fields that a newer version has added to a record survive what this one writes', async () => {
  const first = await service();
  const { orthancId } = await real.storeInstance(image());
  await reader().decided(orthancId);
  const record = JSON.parse((await reader().metadata(`instances/${orthancId}`, 'Radiograph')) ?? '');
  await reader().put(
    `instances/${orthancId}`,
    'Radiograph',
    JSON.stringify({ ...record, discussed: { who: 'a' } }),
  );
  const answer = await callApi(first, 'PUT', `/instances/${orthancId}/decision`, {
    body: { category: 'hand_ap', of: record.when },
  });
  expect(answer.status).toBe(200);
  const now = JSON.parse((await reader().metadata(`instances/${orthancId}`, 'Radiograph')) ?? '');
  expect(now).toMatchObject({ category: 'hand_ap', who: 'person', discussed: { who: 'a' } });
});

describe.each(formerVersions)('what Plainview 0.1 of %s left', (name) => {
  const former = readFormer(name);
  const idOf = (what: string) => former.ids[what] ?? '';
  const recordOf = (what: string) => reader().record(idOf(what));
  const labelsOf = (what: string) => reader().labels(`instances/${idOf(what)}`);
  /** Labels of what people decided: the category first. */
  const byPeople: Record<string, readonly string[]> =
    name === '2026-11-24'
      ? {}
      : {
          confirmed: ['settled_by_person'],
          none: ['settled_by_person'],
          corrected: ['hand_ap', 'settled_by_person'],
          // That it differs from the order came by the correction. Only the newer version could be told that this is right.
          answered: ['knee_lateral', name === '2026-11-30' ? 'settled_by_person' : 'order_mismatch'],
          // Ended while its file was stored anew: the older one had lost all metadata.
          tagged: ['hand_ap', 'settled_by_person'],
        };
  afterEach(() => forgetFormer(former, real));

  test('is there after the upgrade: what people decided stands, nothing is classified twice, and what was left is done', async () => {
    const { classifier } = await service({ stateDir: await restoreFormer(former, real) });
    const due = ['late', 'requested', ...('requests.json' in former.state ? ['job'] : [])];
    for (const what of due)
      await waitFor(async () => (await recordOf(what))?.network.name === 'stub', { what });
    for (const [what, labels] of Object.entries(byPeople)) {
      await waitFor(async () => isDeepStrictEqual(await labelsOf(what), labels), { what });
      expect(await recordOf(what), what).toMatchObject({ who: 'person', person: { who: 'alice' } });
      const category = labels.find((label) => /hand|knee/.test(label));
      expect((await recordOf(what))?.category, what).toBe(category);
    }
    for (const what of ['category', 'unknown', 'undone'])
      expect(await recordOf(what), what).toMatchObject({
        who: 'network',
        network: { name: expect.stringContaining('plainview') },
      });
    expect(await labelsOf('category')).toEqual(['chest_pa_ap']);
    if (name === '2026-11-30')
      expect(await recordOf('answered')).toMatchObject({
        acknowledged: { answer: 'order_wrong', why: 'the other knee' },
      });
    expect(classifier.pictures).toHaveLength(due.length);
  });
});
