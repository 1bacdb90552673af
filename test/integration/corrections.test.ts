import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { callApi } from '../../testkit/api.js';
import { hold } from '../../testkit/classifier.js';
import { image } from '../../testkit/dicom.js';
import { type StoredInstance, useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { hookAddress, Reader, type TestService } from '../../testkit/service.js';
import { useServices } from '../../testkit/services.js';
import { sealedRequest } from '../../testkit/signed.js';

const hook = await hookAddress();
const real = useOrthanc({ hook });
const { running, service } = useServices(real, hook);
const reader = () => new Reader(real.orthanc.url);

/** A new instance, after the network has decided it. */
async function decided(of: TestService, category = 'knee_lateral', score = 0.99) {
  of.classifier.answer = async () => ({ category, score });
  const stored = await real.storeInstance(image());
  await reader().decided(stored.orthancId);
  return { ...stored, when: (await reader().record(stored.orthancId))?.when ?? '' };
}

const labelsOf = async ({ orthancId, series, study }: StoredInstance) => [
  await reader().labels(`instances/${orthancId}`),
  await reader().labels(`series/${series}`),
  await reader().labels(`studies/${study}`),
];
const everywhere = (label: string) => [[label], [label], [label]];
/** Of a person's decision. What it says is that there is none of the categories, where no label is given. */
const byPerson = (...labels: string[]) => {
  const all = [...labels, 'settled_by_person'].sort();
  return [all, all, all];
};
const later = '2099-01-01T00:00:00.000Z';
const decision = (id: string) => `/instances/${id}/decision`;

const asks = async (id: string, request: object = {}) =>
  reader().put(`instances/${id}`, 'RadiographReclassify', JSON.stringify(request));
const answered = (id: string) =>
  waitFor(async () => (await reader().metadata(`instances/${id}`, 'RadiographReclassify')) === undefined, {
    what: 'the request is answered',
  });

describe('a correction', () => {
  test('is written on all levels with who and when, keeps the replaced decision, and is in the audit log', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'plainview-audit-'));
    const auditFile = join(folder, 'audit.jsonl');
    const of = await service({ env: { PLAINVIEW_AUDIT_FILE: auditFile } });
    const stored = await decided(of);
    const id = stored.orthancId;
    const answer = await callApi(of, 'PUT', decision(id), {
      body: { category: 'hand_ap', of: stored.when },
      role: 'reviewer',
    });
    expect(answer).toMatchObject({
      status: 200,
      json: {
        instance: id,
        who: 'person',
        category: 'hand_ap',
        labels: ['hand_ap', 'settled_by_person'],
        person: { who: 'alice', action: 'correct' },
        before: { decision: 'category', category: 'knee_lateral', when: stored.when },
      },
    });
    expect(await labelsOf(stored)).toEqual(byPerson('hand_ap'));
    expect(await reader().metadata(`instances/${id}`, 'RadiographCategory')).toBe('hand_ap');
    const [line] = (await readFile(auditFile, 'utf8')).trim().split('\n');
    expect(JSON.parse(line ?? '')).toMatchObject({
      who: 'alice',
      role: 'reviewer',
      action: 'correct',
      target: `instances/${id}`,
      detail: { from: 'knee_lateral', to: 'hand_ap' },
    });
    await rm(folder, { recursive: true });
  });

  test('of the way up takes the label, is kept at a reclassification and with the picture, and is undone', async () => {
    const env = { PLAINVIEW_ORIENTATION: 'label' };
    const of = await service({ env });
    of.classifier.orientation = { turned: 0, score: 0.98, mirrored: true };
    of.classifier.answer = async () => ({ category: 'chest_pa_ap', score: 0.99 });
    const file = image();
    const stored = await real.storeInstance(file);
    const id = stored.orthancId;
    await reader().decided(id);
    const first = (await reader().record(id))?.when;
    const mirrored = ['chest_pa_ap', 'not_upright'];
    expect(await labelsOf(stored)).toEqual([mirrored, mirrored, mirrored]);
    const said = { turned: 0, mirrored: false };
    const body = { ...said, of: first };
    for (const wrong of [
      { ...body, turned: 45 },
      { turned: 0, of: first },
      { ...body, of: later },
    ])
      expect((await callApi(of, 'PUT', `/instances/${id}/orientation`, { body: wrong })).status).not.toBe(
        200,
      );
    expect((await callApi(of, 'PUT', `/instances/${id}/orientation`, { body, role: 'viewer' })).status).toBe(
      403,
    );
    expect(await labelsOf(stored)).toEqual([mirrored, mirrored, mirrored]);
    const { status, json } = await callApi(of, 'PUT', `/instances/${id}/orientation`, { body });
    const bySomebody = { ...said, score: 1, person: { who: 'alice', when: json.when } };
    expect({ status, json }).toMatchObject({
      status: 200,
      json: { who: 'person', category: 'chest_pa_ap', orientation: bySomebody },
    });
    expect(await labelsOf(stored)).toEqual(byPerson('chest_pa_ap'));
    const [line = ''] = of.log().match(/^.*"action":"orient".*$/m) ?? [];
    expect(JSON.parse(line).audit).toMatchObject({
      who: 'alice',
      target: `instances/${id}`,
      detail: { from: 'chest_pa_ap', to: 'chest_pa_ap', orientation: said },
    });
    await asks(id);
    await answered(id);
    // What Orthanc loses with the file comes back with it.
    await fetch(`${real.orthanc.url}/instances/${id}`, { method: 'DELETE' });
    await real.storeInstance(file);
    await reader().decided(id);
    await waitFor(async () => (await reader().record(id))?.who === 'person');
    expect((await reader().record(id))?.orientation).toEqual(bySomebody);
    expect(await labelsOf(stored)).toEqual(byPerson('chest_pa_ap'));
    const { when } = (await reader().record(id)) ?? {};
    expect((await callApi(of, 'POST', `/instances/${id}/undo`, { body: { of: when } })).status).toBe(200);
    expect(await labelsOf(stored)).toEqual([mirrored, mirrored, mirrored]);
  });

  test('is kept at a reclassification, unless the request includes corrected instances', async () => {
    const of = await service();
    const stored = await decided(of);
    const id = stored.orthancId;
    await callApi(of, 'PUT', decision(id), { body: { category: 'hand_ap', of: stored.when } });
    const seen = of.classifier.pictures.length;
    await asks(id);
    await answered(id);
    expect(of.classifier.pictures).toHaveLength(seen);
    expect(await labelsOf(stored)).toEqual(byPerson('hand_ap'));
    await asks(id, { includingCorrected: true });
    await answered(id);
    expect(await labelsOf(stored)).toEqual(byPerson('hand_ap'));
    await callApi(of, 'POST', '/requests', {
      body: { selection: { ids: [id] }, includingCorrected: true },
      who: 'chief',
    });
    await waitFor(async () => (await reader().record(id))?.who === 'network');
    await answered(id);
    expect(await labelsOf(stored)).toEqual(everywhere('knee_lateral'));
    expect((await reader().record(id))?.before).toBeUndefined();
    await waitFor(() => of.log().includes('"action":"end correction"'));
    const [line = ''] = of.log().match(/^.*"end correction".*$/m) ?? [];
    expect(JSON.parse(line).audit).toMatchObject({
      who: 'chief',
      target: `instances/${id}`,
      detail: { by: 'alice', from: 'hand_ap', to: 'knee_lateral' },
    });
  });

  test('to none of the categories is an unknown view; after undo, the network’s decision applies again', async () => {
    const of = await service();
    const stored = await decided(of);
    const id = stored.orthancId;
    const first = await callApi(of, 'PUT', decision(id), { body: { category: null, of: stored.when } });
    expect(first.json).toMatchObject({ decision: 'unknown_view', who: 'person' });
    expect(await labelsOf(stored)).toEqual(byPerson());
    const second = await callApi(of, 'PUT', decision(id), {
      body: { category: 'ankle_ap', of: first.json.when },
      who: 'bob',
    });
    expect(second.json).toMatchObject({
      category: 'ankle_ap',
      person: { who: 'bob' },
      before: { category: 'knee_lateral' },
    });
    const undo = await callApi(of, 'POST', `/instances/${id}/undo`, { body: { of: second.json.when } });
    expect(undo.json).toMatchObject({ who: 'network', category: 'knee_lateral', when: stored.when });
    expect(undo.json.before).toBeUndefined();
    expect(await labelsOf(stored)).toEqual(everywhere('knee_lateral'));
  });

  test('of a decision that has changed since the person saw it is refused, and changes nothing', async () => {
    const of = await service();
    const stored = await decided(of);
    const id = stored.orthancId;
    await callApi(of, 'PUT', decision(id), { body: { category: 'hand_ap', of: stored.when } });
    const before = await reader().metadata(`instances/${id}`, 'Radiograph');
    for (const late of [
      await callApi(of, 'PUT', decision(id), { body: { category: 'wrist_ap', of: stored.when } }),
      await callApi(of, 'POST', `/instances/${id}/confirmation`, { body: { of: stored.when } }),
      await callApi(of, 'POST', `/instances/${id}/undo`, { body: { of: stored.when } }),
    ])
      expect(late).toMatchObject({ status: 409, json: { code: 'decision_changed' } });
    expect(await reader().metadata(`instances/${id}`, 'Radiograph')).toBe(before);
    expect(await labelsOf(stored)).toEqual(byPerson('hand_ap'));
  });

  test('by two people at once succeeds for one, and the other gets an error', async () => {
    const of = await service();
    const { orthancId: id, when } = await decided(of);
    const answers = await Promise.all(
      ['hand_ap', 'wrist_ap', 'ankle_ap'].map((category) =>
        callApi(of, 'PUT', decision(id), { body: { category, of: when } }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    const winner = answers.find(({ status }) => status === 200);
    expect((await reader().record(id))?.category).toBe(winner?.json.category);
  });

  test.each([
    ['a viewer', 'viewer', { category: 'hand_ap' }, 403, 'forbidden'],
    ['an unknown category', 'reviewer', { category: 'left_ear' }, 400, 'category_unknown'],
    ['the network’s class for none of them', 'reviewer', { category: 'other' }, 400, 'category_unknown'],
    ['no category', 'reviewer', {}, 400, 'request_malformed'],
  ] as const)('by or to %s is refused', async (_what, role, wanted, status, code) => {
    const of = await service();
    const { orthancId: id, when } = await decided(of);
    const answer = await callApi(of, 'PUT', decision(id), { body: { ...wanted, of: when }, role });
    expect(answer).toMatchObject({ status, json: { code } });
    expect((await reader().record(id))?.who).toBe('network');
  });

  test('of an instance that was deleted or never decided is not found', async () => {
    const of = await service();
    const body = { category: 'hand_ap', of: new Date().toISOString() };
    const none = '0'.repeat(8) + '-00000000'.repeat(4);
    expect(await callApi(of, 'PUT', decision(none), { body })).toMatchObject({ status: 404 });
    const { orthancId } = await real.storeInstance(image({ modality: 'CT' }));
    expect(await callApi(of, 'PUT', decision(orthancId), { body })).toMatchObject({
      status: 404,
      json: { code: 'instance_undecided' },
    });
  });
});

describe('a confirmation', () => {
  test.each([
    ['a category', 'knee_lateral', 0.99, 'knee_lateral', 'category'],
    ['the best of what is to be reviewed', 'hand_ap', 0.6, 'hand_ap', 'category'],
    ['none of the categories', 'other', 0.99, undefined, 'unknown_view'],
    ['perhaps none of them', 'other', 0.6, undefined, 'unknown_view'],
  ])('of %s makes it a person’s decision', async (_what, networkCategory, score, category, ends) => {
    const of = await service();
    const stored = await decided(of, networkCategory, score);
    const answer = await callApi(of, 'POST', `/instances/${stored.orthancId}/confirmation`, {
      body: { of: stored.when },
    });
    expect(answer.json).toMatchObject({ decision: ends, who: 'person', person: { action: 'confirm' } });
    expect(answer.json.category).toBe(category);
    expect(await labelsOf(stored)).toEqual(byPerson(...(category === undefined ? [] : [category])));
  });

  test('of a failure is refused; a correction is possible', async () => {
    const of = await service();
    const stored = await real.storeInstance(image({ truncateBy: 5000 }));
    await reader().decided(stored.orthancId);
    const when = (await reader().record(stored.orthancId))?.when;
    const confirm = await callApi(of, 'POST', `/instances/${stored.orthancId}/confirmation`, {
      body: { of: when },
    });
    expect(confirm).toMatchObject({ status: 409, json: { code: 'nothing_to_confirm' } });
    const undo = await callApi(of, 'POST', `/instances/${stored.orthancId}/undo`, { body: { of: when } });
    expect(undo).toMatchObject({ status: 409, json: { code: 'not_corrected' } });
    await callApi(of, 'PUT', decision(stored.orthancId), { body: { category: 'hand_ap', of: when } });
    expect(await labelsOf(stored)).toEqual(byPerson('hand_ap'));
  });
});

describe('a person’s decision is never lost', () => {
  test.each([
    ['a plain request', () => '{}'],
    [
      'a request for corrected ones too',
      (secret: string, id: string) => sealedRequest(secret, id, { who: 'x', when: new Date().toISOString() }),
    ],
  ])('by %s that is in progress', async (_what, request) => {
    const of = await service();
    const stored = await decided(of);
    const id = stored.orthancId;
    const { reached: atNetwork, release } = hold(of.classifier, { category: 'foot_ap', score: 0.99 });
    await reader().put(`instances/${id}`, 'RadiographReclassify', request(of.secret, id));
    await atNetwork;
    const answer = await callApi(of, 'PUT', decision(id), { body: { category: 'hand_ap', of: stored.when } });
    expect(answer.status).toBe(200);
    release();
    await waitFor(async () => (await of.metrics()).includes('plainview_queue_jobs{state="running"} 0'));
    await answered(id);
    expect(await reader().record(id)).toMatchObject({ who: 'person', category: 'hand_ap' });
    expect(await labelsOf(stored)).toEqual(byPerson('hand_ap'));
    expect(await of.metrics()).toMatch(/plainview_skipped_total{why="corrected_by_person"} [1-9]/);
  });

  test('by jobs and people that act at the same time', async () => {
    const of = await service();
    const stored = await decided(of);
    const id = stored.orthancId;
    let when = stored.when;
    for (const category of ['hand_ap', 'wrist_ap', 'ankle_ap', 'elbow_ap', 'pelvis_ap', 'knee_ap']) {
      await asks(id);
      const [answer] = await Promise.all([
        callApi(of, 'PUT', decision(id), { body: { category, of: when } }),
        of.notice(id),
        asks(id),
      ]);
      // If the network was faster, the person corrects its decision.
      if (answer.status === 409) when = (await reader().record(id))?.when ?? '';
      const sure =
        answer.status === 200
          ? answer
          : await callApi(of, 'PUT', decision(id), { body: { category, of: when } });
      if (sure.status !== 200) continue;
      await answered(id);
      await waitFor(async () => (await of.metrics()).includes('plainview_queue_jobs{state="running"} 0'));
      expect(await reader().record(id)).toMatchObject({ who: 'person', category });
      expect(await labelsOf(stored)).toEqual(byPerson(category));
      when = sure.json.when;
    }
  });

  test('by a crash in the middle: the next start completes it', async () => {
    const first = await service();
    const stored = await decided(first);
    const id = stored.orthancId;
    await first.stop();
    running.length = 0;
    // The state after a kill between the first and the second write.
    const record = await reader().record(id);
    const second = await service();
    const half = {
      ...record,
      who: 'person',
      category: 'hand_ap',
      person: { who: 'alice', when: stored.when, action: 'correct' },
      labels: ['hand_ap', 'knee_lateral'],
    };
    await fetch(`${real.orthanc.url}/instances/${id}/metadata/RadiographCategory`, { method: 'DELETE' });
    await reader().put(`instances/${id}`, 'Radiograph', JSON.stringify(half));
    expect(await reader().decided(id)).toBe('hand_ap');
    expect(await labelsOf(stored)).toEqual(byPerson('hand_ap'));
    expect(second.classifier.pictures).toHaveLength(0);
  });
});

test('many confirmed with one request: on all levels, a difference from the order stays open, and one request undoes them', async () => {
  const of = await service();
  const alone = await decided(of, 'hand_ap', 0.75);
  of.classifier.answer = async () => ({ category: 'hand_ap', score: 0.5 });
  const differing = await real.storeInstance(image({ attributes: { '0008,103e': ['LO', 'Schulter ap'] } }));
  await reader().decided(differing.orthancId);
  const ids = [differing.orthancId, alone.orthancId];
  const grid = async () => {
    const { json } = await callApi(of, 'GET', '/worklist/grid?category=hand_ap', { role: 'viewer' });
    return json.pictures.filter(({ instance }: { instance: string }) => ids.includes(instance));
  };
  const found = await grid();
  expect(found).toMatchObject([
    { instance: ids[0], score: 0.5 },
    { instance: ids[1], score: 0.75 },
  ]);
  const body = {
    pictures: found.map(({ instance, of: when, picture }: { [name: string]: string }) => ({
      instance,
      of: when,
      picture,
    })),
  };
  expect((await callApi(of, 'POST', '/confirmations', { body, role: 'viewer' })).status).toBe(403);
  const { json } = await callApi(of, 'POST', '/confirmations', { body, role: 'reviewer' });
  expect(json.results).toEqual([
    { instance: ids[0], outcome: 'done', open: ['order_mismatch'] },
    { instance: ids[1], outcome: 'done', open: [] },
  ]);
  expect(await labelsOf(alone)).toEqual(byPerson('hand_ap'));
  expect(await grid()).toEqual([]);
  const undone = await callApi(of, 'POST', '/confirmations/undo', { body, role: 'reviewer' });
  expect(undone.json.results).toMatchObject([{ outcome: 'done' }, { outcome: 'done' }]);
  expect(await labelsOf(alone)).toEqual(everywhere('needs_review'));
});
