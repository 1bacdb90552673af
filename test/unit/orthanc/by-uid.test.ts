import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { groupId, instanceId, studyId } from '../../../src/orthanc/ids.js';
import { Orthanc } from '../../../src/orthanc/orthanc.js';
import { readsByUid } from '../../../testkit/by-uid.js';
import { image, uid } from '../../../testkit/dicom.js';
import { json } from '../../../testkit/fake-orthanc/router.js';
import { type FakeOrthanc, startFakeOrthanc } from '../../../testkit/fake-orthanc.js';

/** With a fake Orthanc, and a client of it. */
async function withFake(
  system: Readonly<Record<string, unknown>>,
  use: (fake: FakeOrthanc, orthanc: Orthanc) => Promise<void>,
): Promise<void> {
  const fake = await startFakeOrthanc({ system });
  const orthanc = new Orthanc(loadConfig({ PLAINVIEW_ORTHANC_URL: fake.url }));
  try {
    await use(fake, orthanc);
  } finally {
    orthanc.close();
    await fake.stop();
  }
}

describe('the fake Orthanc, read by UID', () => {
  let fake: FakeOrthanc;
  beforeAll(async () => {
    fake = await startFakeOrthanc({ system: { Version: '1.13.0' } });
  });
  afterAll(() => fake.stop());
  readsByUid(() => fake.url);
});

test.each([
  { kind: 'SQLite', system: { Version: '1.13.0', DatabaseBackendPlugin: null }, asked: 'find' },
  {
    kind: 'SQLite, before 1.13.0',
    system: { Version: '1.12.11', DatabaseBackendPlugin: null },
    asked: 'bulk-content',
  },
  {
    kind: 'PostgreSQL',
    system: { Version: '1.13.0', DatabaseBackendPlugin: 'libOrthancPostgreSQLIndex.so' },
    asked: 'bulk-content',
  },
])('an Orthanc with $kind is asked by /tools/$asked', async ({ system, asked }) => {
  await withFake(system, async (fake, orthanc) => {
    await orthanc.nodes.check();
    const instance = await orthanc.hierarchy.instance(instanceId.parse(fake.store(image()).ID));
    fake.calls.length = 0;
    await orthanc.hierarchy.again(instance);
    expect(fake.calls).toEqual([{ method: 'POST', path: `/tools/${asked}` }]);
  });
});

test('an Orthanc that is replaced by an older one is asked as that from the next health check on', async () => {
  await withFake({ Version: '1.13.0' }, async (fake, orthanc) => {
    const system = await orthanc.nodes.check();
    const instance = await orthanc.hierarchy.instance(instanceId.parse(fake.store(image()).ID));
    fake.intercept = ({ path }) => (path === '/system' ? json({ ...system, Version: '1.12.7' }) : undefined);
    await orthanc.nodes.check();
    fake.calls.length = 0;
    await orthanc.hierarchy.again(instance);
    expect(fake.calls).toEqual([{ method: 'POST', path: '/tools/bulk-content' }]);
  });
});

describe.each([
  { what: 'a proxy that forbids it', answer: { status: 403, headers: {}, body: '' } },
  { what: 'a proxy that does not know it', answer: { status: 404, headers: {}, body: '' } },
  { what: 'a proxy that takes no such body', answer: { status: 413, headers: {}, body: '' } },
  { what: 'an Orthanc that fails at it', answer: { status: 500, headers: {}, body: '{}' } },
  { what: 'an Orthanc that answers in another form', answer: { status: 200, headers: {}, body: '["0"]' } },
])('of $what, /tools/find is not needed, and not asked again', ({ answer }) => {
  let fake: FakeOrthanc;
  beforeAll(async () => {
    fake = await startFakeOrthanc({ system: { Version: '1.13.0' } });
    fake.intercept = ({ path }) => (path === '/tools/find' ? answer : undefined);
  });
  afterAll(async () => {
    const asked = fake.calls.filter(({ path }) => path === '/tools/find');
    expect(asked.length).toBeLessThan(9);
    await fake.stop();
  });
  readsByUid(() => fake.url);
});

test('nothing that is asked about series takes reading the metadata of the whole archive', async () => {
  await withFake({ Version: '1.13.0' }, async (fake, orthanc) => {
    await orthanc.nodes.check();
    const { ParentSeries, ParentStudy } = fake.store(image({ patientId: 'series' }));
    const gone = fake.store(image({ patientId: 'gone' })).ParentSeries;
    await fetch(`${fake.url}/series/${gone}`, { method: 'DELETE' });
    const bodies: string[] = [];
    fake.intercept = ({ path, body }) => {
      bodies.push(`${path} ${body}`);
      return undefined;
    };
    const { search, hierarchy, studies } = orthanc;
    const series = await hierarchy.metadata(
      'Series',
      [ParentSeries, gone].map((id) => groupId.parse(id)),
    );
    expect([...series.keys()]).toEqual([ParentSeries]);
    expect(await search.seriesByUpdate({ order: 'newest', since: 0, limit: 10 })).toHaveLength(1);
    expect(await search.series({}, { since: 0, limit: 10 })).toHaveLength(1);
    expect(await search.seriesOfPatient('series', 10)).toHaveLength(1);
    expect(await hierarchy.trees([studyId.parse(ParentStudy)])).toHaveLength(1);
    const [tree] = await hierarchy.trees([studyId.parse(ParentStudy)]);
    expect(await hierarchy.instancesBelow([groupId.parse(ParentStudy)], ['DX'])).toHaveLength(1);
    expect(await studies.radiographs([tree?.study.MainDicomTags['0020,000d'] ?? ''], ['DX'])).toHaveLength(1);
    const asksState = (call: string) =>
      call.startsWith('/tools/bulk-content')
        ? !call.includes('"Level":"Instance"')
        : call.includes('"Level":"Series"') && !/"ResponseContent":\["(MainDicomTags|Metadata)"/.test(call);
    expect(bodies.filter(asksState)).toEqual([]);
    expect(bodies.length).toBeGreaterThan(8);
  });
});

test('a study that was read once is read by three questions, also with what nobody has described', async () => {
  await withFake({ Version: '1.13.0' }, async (fake, orthanc) => {
    await orthanc.nodes.check();
    const studies = [studyId.parse(fake.store(image({ patientId: 'read' })).ParentStudy)];
    const first = await orthanc.hierarchy.trees(studies);
    fake.calls.length = 0;
    expect(await orthanc.hierarchy.trees(studies)).toEqual(first);
    expect(fake.calls).toHaveLength(3);
  });
});

test('of studies that were described, three questions are asked, and of their series one', async () => {
  await withFake({ Version: '1.13.0' }, async (fake, orthanc) => {
    const { hierarchy } = orthanc;
    await orthanc.nodes.check();
    const stored = [1, 2, 3].map((n) =>
      fake.store(image({ patientId: 'several', seriesInstanceUid: uid(`${n}`) })),
    );
    const described = await Promise.all(stored.map(({ ID }) => hierarchy.describe(instanceId.parse(ID))));
    fake.calls.length = 0;
    const studies = [...new Set(described.flatMap(({ parents }) => parents?.study ?? []))];
    const trees = await hierarchy.trees(studies);
    expect(trees.flatMap(({ instances }) => instances)).toHaveLength(3);
    expect(fake.calls).toEqual(Array.from({ length: 3 }, () => ({ method: 'POST', path: '/tools/find' })));
    fake.calls.length = 0;
    const series = stored.map(({ ParentSeries }) => groupId.parse(ParentSeries));
    expect((await hierarchy.metadata('Series', series)).size).toBe(3);
    expect(fake.calls).toEqual([{ method: 'POST', path: '/tools/find' }]);
  });
});
