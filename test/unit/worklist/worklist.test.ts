import { describe, expect, test } from 'vitest';
import type { ShadowRecord } from '../../../src/decisions/schema.js';
import { Entries } from '../../../src/worklist/entries.js';
import { Worklist, worklistQuery } from '../../../src/worklist/worklist.js';
import { image } from '../../../testkit/dicom.js';
import { decidedAs, names, useFakeSite } from '../../../testkit/fake-site.js';
import { type Decided, decide, storeDecided, unsure } from './support.js';

const site = useFakeSite();

function worklist() {
  const { orthanc } = site.process();
  const list = new Worklist(orthanc, new Entries(orthanc, names), '');
  const page = async (query: object = {}) => {
    const { items, ...rest } = await list.page(worklistQuery.parse(query));
    return { ids: items.map(({ instance }) => instance), items, ...rest };
  };
  return {
    page,
    /** All pages from a cursor on, each in a list of its own. */
    async pages(query: object = {}, from?: string): Promise<string[][]> {
      const found: string[][] = [];
      for (let cursor = from; found.length === 0 || cursor !== undefined; ) {
        const { ids, next } = await page({ ...query, cursor });
        found.push(ids);
        cursor = next;
      }
      return found;
    },
  };
}

/** So many that are to be reviewed, the first received first. */
async function store(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) ids.push((await storeDecided(site, unsure('knee_ap', 0.5))).instance);
  return ids;
}

/** A person's decision takes it off the list. */
async function correct(id: string, category = 'hand_ap'): Promise<void> {
  await site.remove(`instances/${id}/labels/needs_review`);
  await decide(site, id, { decision: 'category', category });
}

describe('what a shadow network would have decided otherwise', () => {
  const of = '2024-01-01T00:00:00.000Z';
  const shadow = (answer: object) => ({
    when: of,
    shadow: {
      network: { name: 'second', sha256: 'c' },
      decision: 'category',
      top: [],
      of,
      ...answer,
    } as ShadowRecord,
  });
  const knee: Decided = { decision: 'category', category: 'knee_ap' };

  test('is listed, among the latest decisions and among those of a label, and so is what it agrees with', async () => {
    const store = async (decided: Decided) => (await storeDecided(site, decided)).instance;
    await store(knee);
    const agrees = await store({ ...knee, ...shadow({ category: 'knee_ap' }) });
    const differs = await store({ ...knee, ...shadow({ category: 'hand_ap' }) });
    const sure = await store({ ...unsure('knee_ap', 0.5), ...shadow({ category: 'knee_ap' }) });
    const failed = await store({ ...knee, ...shadow({ decision: 'failed' }) });
    // An older version has decided anew, and kept the field.
    await store({ ...knee, ...shadow({ category: 'hand_ap' }), when: '2025-01-01T00:00:00.000Z' });
    const ids = async (query: object) => (await worklist().pages(query)).flat();
    expect(await ids({ state: 'recent', shadow: 'differs' })).toEqual([sure, differs]);
    expect(await ids({ state: 'recent', shadow: 'agrees' })).toEqual([agrees]);
    expect(await ids({ state: 'recent', shadow: 'failed' })).toEqual([failed]);
    expect(await ids({ state: 'needs_review', shadow: 'differs' })).toEqual([sure]);
    expect(await worklist().page({ shadow: 'differs' })).not.toHaveProperty('total');
  });

  test('costs a bounded number of calls for a page, however long the archive is', async () => {
    for (let n = 0; n < 40; n++) await storeDecided(site, { ...knee, ...shadow({ category: 'knee_ap' }) });
    const { page } = worklist();
    site.fake.calls.length = 0;
    await page({ state: 'recent', shadow: 'differs' });
    const short = site.fake.calls.length;
    const { instance } = await storeDecided(site, knee);
    for (let n = 0; n < 6000; n++) await site.put(`instances/${instance}/metadata/2000`, `${n}`);
    site.fake.calls.length = 0;
    const { ids, next } = await page({ state: 'recent', shadow: 'differs' });
    expect(ids).toEqual([]);
    expect(next).toBeDefined();
    // Ten chunks of the change log.
    expect(site.fake.calls.length).toBeLessThanOrEqual(10 * short);
  });
});

describe('pages', () => {
  test('hold each item once, the last received first', async () => {
    const ids = await store(7);
    expect(await worklist().pages({ limit: 3 })).toEqual([
      ids.slice(4).toReversed(),
      ids.slice(1, 4).toReversed(),
      ids.slice(0, 1),
    ]);
  });

  test('end with the last item, where it fills a page too', async () => {
    await store(6);
    expect((await worklist().pages({ limit: 3 })).map(({ length }) => length)).toEqual([3, 3]);
    const { page } = worklist();
    // Whether there is more behind a first page that is full, is not known yet.
    const { next, total } = await page({ limit: 6 });
    expect(total).toBe(6);
    expect(await page({ limit: 6, cursor: next })).toEqual({ ids: [], items: [] });
    expect(await page({ state: 'unknown_view' })).toEqual({ ids: [], items: [], total: 0 });
  });

  test('tell the total once, and only where nothing is filtered', async () => {
    await store(3);
    const { page } = worklist();
    const first = await page({ limit: 2 });
    expect(first.total).toBe(3);
    expect(await page({ limit: 2, cursor: first.next })).not.toHaveProperty('total');
    expect(await page({ category: 'knee_ap' })).not.toHaveProperty('total');
    expect(await page({ state: 'recent' })).not.toHaveProperty('total');
  });

  test('hold twenty-five where no limit is given', async () => {
    await store(26);
    const { ids, next } = await worklist().page();
    expect(ids).toHaveLength(25);
    expect(next).toBeDefined();
  });

  test.each([
    ['nonsense'],
    [Buffer.from('{"at":-1,"tail":[]}').toString('base64url')],
    [Buffer.from('{"at":0,"tail":["x"]}').toString('base64url')],
  ])('do not begin at a cursor that is none: %s', async (cursor) => {
    await expect(worklist().page({ cursor })).rejects.toMatchObject({ code: 'cursor_unknown' });
  });
});

describe('while the list moves', () => {
  test('what is corrected between two pages makes the next one pass over nothing', async () => {
    const ids = await store(9);
    const { page, pages } = worklist();
    const first = await page({ limit: 4 });
    for (const id of first.ids.slice(0, 3)) await correct(id);
    expect((await pages({ limit: 4 }, first.next)).flat()).toEqual(ids.slice(0, 5).toReversed());
  });

  test('what comes in at its head makes nothing come twice', async () => {
    const ids = await store(6);
    const { page, pages } = worklist();
    const first = await page({ limit: 4 });
    await store(5);
    expect((await pages({ limit: 4 }, first.next)).flat()).toEqual(ids.slice(0, 2).toReversed());
  });

  test('where all that was read has left it, nothing is passed over', async () => {
    const ids = await store(8);
    const { page, pages } = worklist();
    const first = await page({ limit: 3 });
    for (const id of first.ids) await correct(id);
    expect((await pages({ limit: 3 }, first.next)).flat()).toEqual(ids.slice(0, 5).toReversed());
  });

  test.each([1, 2, 3])(
    'what leaves it within a page, before call %i, is not shown and hides no other',
    async (nth) => {
      const ids = await store(6);
      const { pages } = worklist();
      site.interrupt(nth, async () => correct(ids[5] ?? ''));
      const found = (await pages({ limit: 3 })).flat();
      expect(found.filter((id) => id !== ids[5])).toEqual(ids.slice(0, 5).toReversed());
    },
  );

  test('what is deleted within a page hides no other', async () => {
    const ids = await store(6);
    const { pages } = worklist();
    let finds = 0;
    site.fake.intercept = async ({ path }) => {
      // After the identifiers were read, before what is to be shown of them.
      if (path === '/tools/find' && ++finds === 2) {
        site.fake.intercept = () => undefined;
        await site.remove(`instances/${ids[4]}`);
      }
      return undefined;
    };
    expect((await pages({ limit: 3 })).flat()).toEqual([5, 3, 2, 1, 0].map((n) => ids[n]));
  });
});

describe('filters', () => {
  /** In this order: four to be reviewed of four rooms and days, then decisions of other kinds. */
  async function scene(): Promise<string[]> {
    const attributes = (n: number, series: string) =>
      ({
        '0008,0020': ['DA', `2024010${n + 1}`],
        '0008,0050': ['SH', `ACC${n}`],
        '0008,1010': ['SH', `ROOM${n}`],
        '0008,103e': ['LO', series],
      }) as const;
    const lines = [
      await storeDecided(site, unsure('knee_ap', 0.5), { attributes: attributes(0, 'Knie ap') }),
      await storeDecided(site, unsure('knee_ap', 0.6), { attributes: attributes(1, 'Knie seitlich') }),
      await storeDecided(site, unsure('hand_ap', 0.7), { attributes: attributes(2, 'Hand') }),
      await storeDecided(site, unsure('other', 0.8), { modality: 'CR', attributes: attributes(3, 'Ohr') }),
      await storeDecided(
        site,
        { decision: 'category', category: 'knee_ap' },
        { attributes: attributes(4, 'Knie ap') },
      ),
      await storeDecided(site, { decision: 'unknown_view' }),
      await storeDecided(site, { decision: 'failed' }),
    ];
    return lines.map(({ instance }) => instance);
  }

  test.each([
    [{}, [0, 1, 2, 3]],
    [{ category: 'knee_ap' }, [0, 1]],
    // The best one is none of the categories.
    [{ category: 'other' }, []],
    [{ minScore: 0.6, maxScore: 0.7 }, [1, 2]],
    [{ from: '2024-01-02', to: '2024-01-03' }, [1, 2]],
    [{ from: '2024-01-03' }, [2, 3]],
    [{ to: '2024-01-01' }, [0]],
    [{ station: 'room1' }, [1]],
    [{ station: 'ROOM*' }, [0, 1, 2, 3]],
    [{ station: 'ROOM' }, []],
    [{ modality: 'CR' }, [3]],
    [{ text: 'KNIE' }, [0, 1]],
    [{ text: 'acc2' }, [2]],
    [{ text: 'seitlich', minScore: 0.7 }, []],
    [{ state: 'unknown_view' }, [5]],
    [{ state: 'recent' }, [0, 1, 2, 3, 4, 5, 6]],
    [{ state: 'recent', category: 'knee_ap' }, [0, 1, 4]],
    [{ state: 'recent', minScore: 0.7, maxScore: 0.8 }, [2, 3]],
    [{ state: 'recent', from: '2024-01-04' }, [3, 4]],
    [{ state: 'recent', to: '2024-01-01' }, [0, 5, 6]],
    [{ state: 'recent', station: 'room[01]' }, []],
    [{ state: 'recent', station: 'room*' }, [0, 1, 2, 3, 4]],
    [{ state: 'recent', modality: 'CR' }, [3]],
    [{ state: 'recent', text: 'acc4' }, [4]],
  ])('%j', async (query, expected) => {
    const ids = await scene();
    const found = (await worklist().pages({ ...query, limit: 2 })).flat();
    expect(found).toEqual(expected.map((n) => ids[n]).toReversed());
  });

  test('whose label was put there by somebody else is shown as it is decided', async () => {
    const [, , , , decided] = await scene();
    await site.put(`instances/${decided}/labels/needs_review`);
    const { items } = await worklist().page({ limit: 1 });
    expect(items).toMatchObject([{ instance: decided, decision: 'category', category: 'knee_ap' }]);
  });
});

describe('recent decisions', () => {
  test('begin with the newest decision, whenever the instance was received, and hold each once', async () => {
    const [first, second, third] = await store(3);
    await decide(site, first ?? '', { decision: 'category', category: 'hand_ap' });
    await decide(site, second ?? '', { decision: 'category', category: 'hand_ap' });
    expect((await worklist().pages({ state: 'recent', limit: 2 })).flat()).toEqual([second, first, third]);
  });

  test('leave out what is undecided, and what is deleted', async () => {
    const [first, second] = await store(2);
    const { instance } = site.store(image());
    await site.put(`instances/${instance}/metadata/RadiographReclassify`, '{}');
    await site.remove(`instances/${second}`);
    expect((await worklist().page({ state: 'recent' })).ids).toEqual([first]);
  });

  test('of later are not on the next page: it goes on where the last one ended', async () => {
    const ids = await store(5);
    const { page, pages } = worklist();
    const first = await page({ state: 'recent', limit: 2 });
    await decide(site, ids[4] ?? '', { decision: 'category', category: 'hand_ap' });
    await store(2);
    expect((await pages({ state: 'recent', limit: 2 }, first.next)).flat()).toEqual(
      ids.slice(0, 3).toReversed(),
    );
  });

  test('are looked for in a part of a long change log at a time', async () => {
    const ids = await store(1);
    const last = 20_000;
    const asked: number[] = [];
    site.fake.intercept = ({ path, query }) => {
      if (path !== '/changes') return undefined;
      const since = Number(query.get('since') ?? last);
      if (!query.has('last')) asked.push(since);
      const Changes =
        since === 12_000
          ? [{ ChangeType: 'UpdatedMetadata', ResourceType: 'Instance', ID: ids[0], Seq: 12_345 }]
          : [];
      return { status: 200, body: JSON.stringify({ Changes, Done: false, Last: last }) };
    };
    const { page } = worklist();
    const first = await page({ state: 'recent' });
    expect(first).toMatchObject({ ids: [], next: expect.any(String) });
    expect(asked).toEqual(Array.from({ length: 10 }, (_, n) => last - 500 * (n + 1)));
    asked.splice(0);
    const second = await page({ state: 'recent', limit: 1, cursor: first.next });
    expect(second).toMatchObject({ ids: [ids[0]], next: expect.any(String) });
    expect(asked).toEqual([14_500, 14_000, 13_500, 13_000, 12_500, 12_000]);
    asked.splice(0);
    await page({ state: 'recent', cursor: second.next });
    expect(asked[0]).toBe(12_344 - 500);
  });
});

describe('what a person has settled', () => {
  const when = '2026-01-01T00:00:00.000Z';
  const by = (who: string, action: 'confirm' | 'correct' = 'confirm') => ({
    who: 'person' as const,
    person: { who, when, action },
    when,
  });
  const before = { ...decidedAs('knee_ap'), decision: 'needs_review' as const };
  const answer = { who: 'bob', when: '2026-01-02T00:00:00.000Z', of: ['side'] };

  /** As this version labels it. */
  async function settled(decided: Decided): Promise<string> {
    const { instance } = await storeDecided(site, decided);
    await site.remove(`instances/${instance}/labels/unknown_view`);
    await site.put(`instances/${instance}/labels/settled_by_person`);
    return instance;
  }

  test('is listed by what was said, by whom, and what was open before', async () => {
    const confirmed = await settled({ decision: 'category', category: 'knee_ap', ...by('Alice'), before });
    const none = await settled({
      decision: 'unknown_view',
      ...by('alice', 'correct'),
      before: decidedAs('hand_ap'),
    });
    const answered = await settled({
      decision: 'category',
      category: 'knee_ap',
      ...by('alice'),
      before: decidedAs('knee_ap'),
      acknowledged: { answer: 'order_wrong', ...answer },
    });
    const ids = async (query: object) =>
      (await worklist().pages({ state: 'settled_by_person', ...query })).flat();
    expect(await ids({})).toEqual([answered, none, confirmed]);
    expect(await ids({ said: 'confirmed' })).toEqual([answered, confirmed]);
    expect(await ids({ said: 'none_of_these' })).toEqual([none]);
    expect(await ids({ said: 'order_wrong' })).toEqual([answered]);
    expect(await ids({ by: 'ALI' })).toEqual([none, confirmed]);
    expect(await ids({ by: 'bob' })).toEqual([answered]);
    expect(await ids({ was: 'needs_review' })).toEqual([confirmed]);
    expect(await ids({ was: 'order_mismatch' })).toEqual([answered]);
    expect(await ids({ was: 'category' })).toEqual([answered, none]);
  });

  test('is in no other tab, although an older version has left the label there', async () => {
    const open = await storeDecided(site, { decision: 'unknown_view' });
    await storeDecided(site, { decision: 'unknown_view', ...by('alice'), before });
    expect((await worklist().page({ state: 'unknown_view' })).ids).toEqual([open.instance]);
  });
});
