import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Entry } from '../../src/contract/review.js';
import { callApi } from '../../testkit/api.js';
import { stubClassifier } from '../../testkit/classifier.js';
import { image, uid } from '../../testkit/dicom.js';
import { type StoredInstance, useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { hookAddress, Reader, startTestService, type TestService } from '../../testkit/service.js';

const hook = await hookAddress();
const real = useOrthanc({ hook });
let of: TestService;
/** Twelve instances that need review, then three with categories and one unknown view, in the order of their receipt. */
const stored: StoredInstance[] = [];
const ids = (from: number, to: number) => stored.slice(from, to).map(({ orthancId }) => orthancId);
const reader = () => new Reader(real.orthanc.url);

async function store(number: number, category: string, score: number): Promise<void> {
  of.classifier.answer = async () => ({ category, score });
  const study = Math.floor(number / 4);
  const one = await real.storeInstance(
    image({
      rows: 400,
      columns: 300,
      patientName: 'TELLING^NAME',
      patientId: 'TELLING-ID',
      studyInstanceUid: uid(`worklist ${study}`),
      attributes: {
        '0008,0020': ['DA', `2024010${1 + study}`],
        '0008,0050': ['SH', `ACC${study}`],
        '0008,1010': ['SH', `ROOM${study}`],
        '0008,1030': ['LO', `Knie ${study}`],
        '0008,103e': ['LO', number % 2 === 0 ? 'ap' : 'seitlich'],
        '0018,5101': ['CS', 'AP'],
        '0020,0062': ['CS', 'L'],
        '0028,1050': ['DS', '2000\\1000'],
        '0028,1051': ['DS', '4000\\100'],
      },
    }),
  );
  stored.push(one);
  await reader().decided(one.orthancId);
}

beforeAll(async () => {
  of = await startTestService({ orthanc: real.orthanc.url, hook, classifier: stubClassifier() });
  for (let number = 0; number < 12; number++)
    await store(number, number < 6 ? 'hand_ap' : 'knee_ap', 0.5 + number / 100);
  for (const number of [12, 13, 14]) await store(number, 'wrist_ap', 0.99);
  await store(15, 'other', 0.99);
});
afterAll(() => of?.stop());

async function list(
  query: string,
): Promise<{ ids: string[]; next?: string; total?: number; items: Entry[] }> {
  const { status, json } = await callApi(of, 'GET', `/worklist?${query}`, { role: 'viewer' });
  expect(status).toBe(200);
  return { ...json, ids: json.items.map(({ instance }: Entry) => instance) };
}

async function all(query: string): Promise<string[]> {
  const found: string[] = [];
  for (let next: string | undefined = ''; next !== undefined; ) {
    const page = await list(`${query}${next === '' ? '' : `&cursor=${next}`}`);
    found.push(...page.ids);
    next = page.next;
  }
  return found;
}

describe('the worklist', () => {
  test('contains what needs review, with what a person needs to know and no patient data', async () => {
    const { items, total, next } = await list('');
    expect(new Set(items.map(({ instance }) => instance))).toEqual(new Set(ids(0, 12)));
    expect({ total, next }).toEqual({ total: 12, next: undefined });
    const [first] = items;
    expect(first).toMatchObject({
      decision: 'needs_review',
      who: 'network',
      labels: ['needs_review'],
      network: { name: 'stub' },
      frames: 1,
      dicom: { modality: 'DX', stationName: expect.stringMatching(/^ROOM/), studyDate: expect.any(String) },
    });
    expect(first?.top).toHaveLength(5);
    expect(JSON.stringify(items)).not.toMatch(/TELLING|ACC\d/);
  });

  test('comes in pages, each item once', async () => {
    const found = await all('limit=5');
    expect(found).toHaveLength(12);
    expect(new Set(found)).toEqual(new Set(ids(0, 12)));
  });

  test.each([
    ['category=hand_ap', () => ids(0, 6)],
    ['minScore=0.545&maxScore=0.585', () => ids(5, 9)],
    ['from=2024-01-02&to=2024-01-02', () => ids(4, 8)],
    ['station=ROOM2', () => ids(8, 12)],
    ['station=ROOM*', () => ids(0, 12)],
    ['modality=CR', () => []],
    ['text=KNIE%202', () => ids(8, 12)],
    ['text=acc1', () => ids(4, 8)],
    ['text=seitlich&category=knee_ap', () => ids(6, 12).filter((_, index) => index % 2 === 1)],
    ['text=TELLING', () => []],
    ['state=unknown_view', () => ids(15, 16)],
    ['state=classification_failed', () => []],
    ['state=recent&category=wrist_ap', () => ids(12, 15)],
    ['state=recent&station=room0&minScore=0.515', () => ids(2, 4)],
    ['state=recent&from=2024-01-04', () => ids(12, 16)],
  ])('of %s', async (query, expected) => {
    expect(new Set(await all(query))).toEqual(new Set(expected()));
  });

  test('of recent decisions starts with the newest and ends with the first, each once', async () => {
    const found = await all('state=recent&limit=3');
    expect(found).toEqual(ids(0, 16).toReversed());
  });

  test.each([
    ['cursor=nonsense', 'cursor_unknown'],
    [`cursor=${Buffer.from('{"at":-1,"tail":[]}').toString('base64url')}`, 'cursor_unknown'],
    ['limit=101', 'request_malformed'],
    ['minScore=2', 'request_malformed'],
    ['from=yesterday', 'request_malformed'],
    ['station=a%5Cb', 'request_malformed'],
    ['state=all', 'request_malformed'],
    ['patient=x', 'request_malformed'],
  ])('refuses %s', async (query, code) => {
    expect(await callApi(of, 'GET', `/worklist?${query}`)).toMatchObject({ status: 400, json: { code } });
  });
});

describe('an instance', () => {
  test('comes with attributes that only the file contains', async () => {
    const [id] = ids(0, 1);
    const { json } = await callApi(of, 'GET', `/instances/${id}`, { role: 'viewer' });
    expect(json).toMatchObject({
      instance: id,
      study: stored[0]?.study,
      rows: 400,
      columns: 300,
      voi: { center: 2000, width: 4000 },
      dicom: { viewPosition: 'AP', laterality: 'L', studyDescription: 'Knie 0' },
      studyInstanceUid: uid('worklist 0'),
    });
  });

  test('is listed with the others of its study', async () => {
    const { json } = await callApi(of, 'GET', `/studies/${stored[0]?.study}/instances`, { role: 'viewer' });
    expect(new Set(json.map(({ instance }: Entry) => instance))).toEqual(new Set(ids(0, 4)));
    const none = `00000000${'-00000000'.repeat(4)}`;
    expect(await callApi(of, 'GET', `/studies/${none}/instances`)).toMatchObject({ status: 200, json: [] });
  });

  test('has a small and a large picture in the requested window, which only the reader may cache', async () => {
    const [id] = ids(0, 1);
    const picture = async (what: string) => {
      const { status, headers, json } = await callApi(of, 'GET', `/instances/${id}/${what}`, {
        role: 'viewer',
      });
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('image/jpeg');
      expect(headers.get('cache-control')).toMatch(/^private/);
      const sharp = (await import('sharp')).default;
      const { width, height } = await sharp(json).metadata();
      const { channels } = await sharp(json).stats();
      return { width, height, mean: channels[0]?.mean ?? Number.NaN };
    };
    expect(await picture('thumbnail')).toMatchObject({ width: 150, height: 200 });
    const plain = await picture('picture?width=256');
    expect(plain).toMatchObject({ width: 192, height: 256 });
    expect((await picture('picture?width=256&center=4000&window=100')).mean).toBeLessThan(plain.mean / 2);
    expect(await callApi(of, 'GET', `/instances/${id}/picture?center=1`)).toMatchObject({ status: 400 });
  });

  test('has a map of the evidence for a category', async () => {
    const [id] = ids(12, 13);
    of.classifier.answer = async () => ({ category: 'wrist_ap', score: 0.9 });
    const { json } = await callApi(of, 'GET', `/instances/${id}/activation?category=wrist_ap`, {
      role: 'viewer',
    });
    expect(json).toMatchObject({ rows: 7, columns: 7, category: 'wrist_ap', peak: 6 });
    expect(json.score).toBeCloseTo(0.9);
    expect([json.values[0], json.values[48]]).toEqual([0, 1]);
    const unknown = await callApi(of, 'GET', `/instances/${id}/activation?category=left_ear`);
    expect(unknown).toMatchObject({ status: 400, json: { code: 'category_unknown' } });
  });

  test('that Plainview does not classify is not shown', async () => {
    const { orthancId } = await real.storeInstance(image({ modality: 'CT' }));
    for (const what of ['', '/thumbnail', '/picture'])
      expect(await callApi(of, 'GET', `/instances/${orthancId}${what}`)).toMatchObject({
        status: 404,
        json: { code: 'instance_undecided' },
      });
  });
});

describe('what nobody has looked at', () => {
  const count = async (state: string) => (await list(`state=${state}`)).total;
  const counts = () => Promise.all(['needs_review', 'unknown_view', 'order_mismatch'].map(count));
  const confirm = async (instance: string, when: string) =>
    (await callApi(of, 'POST', `/instances/${instance}/confirmation`, { body: { of: when }, who: 'carol' }))
      .json;
  const undo = (instance: string, when: string) =>
    callApi(of, 'POST', `/instances/${instance}/undo`, { body: { of: when } });
  const answer = (instance: string, body: object, who = 'alice') =>
    callApi(of, 'POST', `/instances/${instance}/acknowledgement`, { body, who, role: 'reviewer' });
  const done = async (query: string) => (await list(`state=settled_by_person&${query}`)).ids;

  /** A picture that the network takes for a knee, and that was ordered otherwise. */
  async function mismatched(order: string, score = 0.99): Promise<Entry> {
    of.classifier.answer = async () => ({ category: 'knee_ap', score });
    const { orthancId } = await real.storeInstance(
      image({
        studyInstanceUid: uid(`ordered ${order} ${score}`),
        attributes: { '0008,1030': ['LO', order] },
      }),
    );
    await reader().decided(orthancId);
    return (await callApi(of, 'GET', `/instances/${orthancId}`)).json;
  }

  test('an unknown view leaves its tab when a person confirms it, and is done; undo brings it back', async () => {
    const [id = ''] = ids(15, 16);
    const before = await counts();
    const { when } = (await list('state=unknown_view')).items[0] ?? { when: '' };
    const confirmed = await confirm(id, when);
    expect(confirmed).toMatchObject({ decision: 'unknown_view', open: [] });
    expect(await counts()).toEqual([before[0], 0, before[2]]);
    expect(await done('said=none_of_these&was=unknown_view&by=carol')).toEqual([id]);
    expect(await done('was=needs_review')).toEqual([]);
    await undo(id, confirmed.when);
    expect(await counts()).toEqual(before);
    expect(await done('')).toEqual([]);
  });

  test('what is said while one tab is worked through makes no other badge rise', async () => {
    const { instance, when } = await mismatched('Hand dv', 0.6);
    const [review = 0, unknown, mismatches] = await counts();
    const none = await callApi(of, 'PUT', `/instances/${instance}/decision`, {
      body: { category: null, of: when },
    });
    expect(await counts()).toEqual([review - 1, unknown, mismatches]);
    // It differs from the order now, which the person who says so sees.
    const knee = await callApi(of, 'PUT', `/instances/${instance}/decision`, {
      body: { category: 'knee_ap', of: none.json.when },
    });
    expect(knee.json).toMatchObject({ order: { answer: 'differs' }, open: [] });
    expect(await counts()).toEqual([review - 1, unknown, mismatches]);
    const asked = await answer(instance, { answer: 'order_wrong', of: knee.json.when });
    expect(asked.json).toMatchObject({
      acknowledged: { answer: 'order_wrong' },
      person: { action: 'correct' },
    });
    await undo(instance, (await undo(instance, asked.json.when)).json.when);
    expect(await counts()).toEqual([review, unknown, mismatches]);
    await confirm(instance, when);
  });

  test('a difference from the order is answered with who, when and why, is counted, and can be undone', async () => {
    const { instance, when, open } = await mismatched('Schulter ap');
    expect(open).toEqual(['order_mismatch']);
    const before = await counts();
    const body = { answer: 'order_wrong', why: 'TELLING wrong room', of: when };
    const [first, second] = await Promise.all([
      answer(instance, body, 'alice'),
      answer(instance, body, 'bob'),
    ]);
    expect([first.status, second.status].sort()).toEqual([200, 409]);
    const { json } = first.status === 200 ? first : second;
    expect(json).toMatchObject({
      category: 'knee_ap',
      open: [],
      acknowledged: { answer: 'order_wrong', who: expect.stringMatching(/alice|bob/), why: body.why },
    });
    expect(await counts()).toEqual([before[0], before[1], (before[2] ?? 0) - 1]);
    expect(await done('said=order_wrong&was=order_mismatch')).toEqual([instance]);
    expect(await reader().labels(`instances/${instance}`)).toEqual(['knee_ap', 'settled_by_person']);
    const counted = await waitFor(async () => {
      const { json: answer } = await callApi(of, 'GET', '/statistics');
      return answer.complete && answer.acknowledged;
    });
    expect(counted).toEqual({ order_wrong: 1, category_wrong: 0, no_matter: 0 });
    expect(await of.metrics()).toMatch(/mismatches_acknowledged_total\{answer="order_wrong"\} [12]/);
    await waitFor(() => of.log().includes('"action":"acknowledge"'));
    expect((await undo(instance, json.when)).json).toMatchObject({
      who: 'network',
      open: ['order_mismatch'],
    });
    expect(await counts()).toEqual(before);
    expect((await callApi(of, 'GET', '/statistics')).json.acknowledged.order_wrong).toBe(0);
  });

  test('where the order is right, the category is corrected', async () => {
    const { instance, when } = await mismatched('Fuss dp');
    const corrected = await answer(instance, { answer: 'category_wrong', category: 'foot_ap', of: when });
    expect(corrected.json).toMatchObject({ category: 'foot_ap', order: { answer: 'agrees' }, open: [] });
    expect(await done('said=category_wrong')).toEqual([instance]);
  });

  test('the same difference is not asked about again after a new decision; another one is', async () => {
    const { instance, when } = await mismatched('Becken ap');
    await answer(instance, { answer: 'no_matter', of: when });
    const again = async (category: string) => {
      of.classifier.answer = async () => ({ category, score: 0.99 });
      await callApi(of, 'POST', '/requests', {
        body: { selection: { ids: [instance] }, includingCorrected: true },
      });
      await waitFor(async () => (await reader().record(instance))?.category === category);
      await reader().decided(instance);
      return (await callApi(of, 'GET', `/instances/${instance}`)).json;
    };
    const same = await again('knee_lateral');
    expect(same).toMatchObject({ who: 'network', acknowledged: { answer: 'no_matter' } });
    expect(same.order.projection.answer === 'differs' ? ['order_mismatch'] : []).toEqual(same.open);
    const other = await again('chest_pa_ap');
    expect(other).toMatchObject({ open: ['order_mismatch'] });
    const back = await answer(instance, { answer: 'no_matter', of: other.when });
    expect(back.json).toMatchObject({ open: [] });
  });

  test.each([
    ['without a category', { answer: 'category_wrong' }, 400, 'request_malformed'],
    [
      'with a category that does not belong to it',
      { answer: 'no_matter', category: 'knee_ap' },
      400,
      'request_malformed',
    ],
    ['with a long word', { answer: 'no_matter', why: 'x'.repeat(201) }, 400, 'request_malformed'],
    ['of another picture', { answer: 'no_matter', picture: 'another' }, 409, 'picture_replaced'],
    [
      'of an earlier decision',
      { answer: 'no_matter', of: '2020-01-01T00:00:00.000Z' },
      409,
      'decision_changed',
    ],
  ])('an answer %s is refused', async (_what, body, status, code) => {
    const { instance, when } = await mismatched('Fuss dp');
    expect(await answer(instance, { of: when, ...body })).toMatchObject({ status, json: { code } });
  });

  test('what does not differ has no answer, and a viewer gives none', async () => {
    const { instance, when } = await mismatched('Knie ap');
    expect(await answer(instance, { answer: 'no_matter', of: when })).toMatchObject({
      status: 409,
      json: { code: 'nothing_to_acknowledge' },
    });
    expect(
      await callApi(of, 'POST', `/instances/${instance}/acknowledgement`, {
        body: { answer: 'no_matter', of: when },
        role: 'viewer',
      }),
    ).toMatchObject({ status: 403 });
  });
});

describe('the radiographs of a patient', () => {
  const search = (patientId: string, role: 'viewer' | 'reviewer' = 'reviewer') =>
    callApi(of, 'POST', '/worklist/patient', { body: { patientId }, role });

  test('are found by the whole Patient ID, by whoever may decide', async () => {
    const { status, json } = await search('TELLING-ID');
    expect(status).toBe(200);
    expect(new Set(json.items.map(({ instance }: Entry) => instance))).toEqual(new Set(ids(0, 16)));
    expect(json.items[0].dicom.studyDate).toBe('20240104');
    expect(JSON.stringify(json)).not.toContain('TELLING');
    for (const other of ['telling-id', 'TELLING']) expect((await search(other)).json.items).toEqual([]);
  });

  test.each(['TELLING*', 'TELLING-I?', 'x\\TELLING-ID', ' '])('are not found by %j', async (patientId) => {
    expect(await search(patientId)).toMatchObject({ status: 400, json: { code: 'request_malformed' } });
  });

  test('are not for a viewer to search', async () => {
    expect(await search('TELLING-ID', 'viewer')).toMatchObject({ status: 403, json: { code: 'forbidden' } });
  });
});

test('fifty simultaneous requests for pictures succeed, and do not count as failed authentications', async () => {
  const [id] = ids(0, 1);
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => callApi(of, 'GET', `/instances/${id}/thumbnail`)),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
});

test('a correction between two pages does not make the next page skip an item', async () => {
  const first = await list('limit=4');
  for (const { instance, when } of first.items.slice(0, 3))
    await callApi(of, 'PUT', `/instances/${instance}/decision`, { body: { category: 'elbow_ap', of: when } });
  const rest: string[] = [];
  for (let { next } = first; next !== undefined; ) {
    const page = await list(`limit=4&cursor=${next}`);
    rest.push(...page.ids);
    next = page.next;
  }
  expect(new Set([...first.ids, ...rest])).toEqual(new Set(ids(0, 12)));
  expect((await list('')).total).toBe(9);
  await waitFor(async () => (await all('state=recent&category=elbow_ap')).length === 3);
});

test('an instance with several decisions comes once among the latest decisions', async () => {
  const { items } = await list('state=recent&category=elbow_ap');
  for (const { instance, when } of items)
    await callApi(of, 'PUT', `/instances/${instance}/decision`, { body: { category: 'ankle_ap', of: when } });
  await waitFor(
    async () => (await list('state=recent&category=ankle_ap&limit=100')).ids.length >= items.length,
  );
  const { ids: recent } = await list('state=recent&limit=100');
  expect(new Set(recent).size).toBe(recent.length);
});

test('the log contains no patient data, no search text and no secret', async () => {
  await list('text=SEARCHED-FOR');
  await callApi(of, 'GET', '/worklist?station=a%5CSEARCHED-FOR');
  await callApi(of, 'GET', `/instances/${ids(0, 1)[0]}/picture?SEARCHED-FOR=1`);
  expect(of.log()).toContain('audit');
  expect(of.log()).not.toMatch(/TELLING|SEARCHED-FOR|ACC\d|Knie/);
  expect(of.log()).not.toContain(of.secret);
  expect(await of.metrics()).not.toMatch(/TELLING/);
});
