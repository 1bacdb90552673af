import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../src/config/load.js';
import { groupId, type InstanceId, instanceId } from '../src/orthanc/ids.js';
import { Orthanc } from '../src/orthanc/orthanc.js';
import { image, uid } from './dicom.js';
import { storeInstance } from './orthanc.js';

const pictures = [
  { patientId: 'one', study: 'alone', series: 'alone' },
  { patientId: 'one', study: 'two series', series: 'first' },
  { patientId: 'one', study: 'two series', series: 'first' },
  { patientId: 'one', study: 'two series', series: 'second' },
  // The same UIDs as those of another patient.
  { patientId: 'two', study: 'two series', series: 'first' },
  // Orthanc hashes this identifier in the character set of the file.
  { patientId: 'dreizehn Überwachung', study: 'not ASCII', series: 'not ASCII' },
];
const files = pictures.map(({ patientId, study, series }, n) =>
  image({
    patientId,
    studyInstanceUid: uid(`by uid ${study}`),
    seriesInstanceUid: uid(`by uid ${series}`),
    sopInstanceUid: uid(`by uid ${n}`),
  }),
);
/** UIDs that a query would take for a list and for a pattern. */
const odd = ['1.2\\1.3', '1.2.*'].map((value, n) =>
  image({
    patientId: `odd ${n}`,
    studyInstanceUid: value,
    seriesInstanceUid: value,
    sopInstanceUid: `1.2.3.${n}`,
  }),
);

/** What reads by UID gives the same as what reads by Orthanc's identifiers. */
export function readsByUid(url: () => string): void {
  let [byUid, byId]: Orthanc[] = [];
  let ids: InstanceId[];
  const client = () => new Orthanc(loadConfig({ PLAINVIEW_ORTHANC_URL: url() }));

  beforeAll(async () => {
    byId = client();
    byUid = client();
    // From the first check on, it knows what Orthanc is.
    await byUid.nodes.check();
    ids = [];
    for (const file of [...files, ...odd])
      ids.push(instanceId.parse((await storeInstance(url(), file)).orthancId));
  });
  afterAll(() => {
    byUid?.close();
    byId?.close();
  });

  const both = async <T>(read: (orthanc: Orthanc) => Promise<T>): Promise<[T, T]> => {
    if (byUid === undefined || byId === undefined) throw new Error('not started');
    return [await read(byUid), await read(byId)];
  };

  test('whole studies', async () => {
    const [found, expected] = await both(async ({ hierarchy }) => {
      const studies = await Promise.all(ids.map((id) => hierarchy.studyOf(id)));
      return sorted(await hierarchy.trees([...new Set(studies)]));
    });
    expect(expected).toHaveLength(6);
    expect(found).toEqual(expected);
  });

  test('whole studies of which all UIDs are known, and what is not known beside them', async () => {
    const described = await Promise.all(ids.map((id) => byUid?.hierarchy.describe(id)));
    const studies = [...new Set(described.flatMap((each) => each?.parents?.study ?? []))];
    const [found, expected] = await both(async ({ hierarchy }) => sorted(await hierarchy.trees(studies)));
    expect(expected.length).toBeGreaterThanOrEqual(5);
    expect(found).toEqual(expected);
    // It comes where the others are known.
    const late = image({
      patientId: 'one',
      studyInstanceUid: uid('by uid two series'),
      seriesInstanceUid: uid('by uid first'),
    });
    const { orthancId } = await storeInstance(url(), late);
    const [withLate, all] = await both(async ({ hierarchy }) => sorted(await hierarchy.trees(studies)));
    expect(all.flatMap(({ instances }) => instances.map(({ ID }) => ID))).toContain(orthancId);
    expect(withLate).toEqual(all);
    await fetch(`${url()}/instances/${orthancId}`, { method: 'DELETE' });
    const [without, rest] = await both(async ({ hierarchy }) => sorted(await hierarchy.trees(studies)));
    // Orthanc notes when a series or study was changed last.
    expect(without.map(({ instances }) => instances)).toEqual(expected.map(({ instances }) => instances));
    expect(without).toEqual(rest);
  });

  test('metadata of series, known or not, and of one that is gone', async () => {
    const series = (await byUid?.hierarchy.instances(ids))?.map(({ ParentSeries }) =>
      groupId.parse(ParentSeries),
    );
    const [first] = series ?? [];
    await fetch(`${url()}/series/${first}/metadata/4321`, { method: 'PUT', body: 'written' });
    const gone = groupId.parse('00000000-00000000-00000000-00000000-00000000');
    const [found, expected] = await both(({ hierarchy }) =>
      hierarchy.metadata('Series', [...new Set(series), gone]),
    );
    expect(expected.size).toBe(7);
    expect(found).toEqual(expected);
    expect(Object.values(found.get(first ?? '') ?? {})).toContain('written');
  });

  test('identifiers', async () => {
    const [found, expected] = await both(({ hierarchy }) => hierarchy.identifiersByInstance(ids));
    expect(expected.size).toBe(ids.length);
    expect(found).toEqual(expected);
  });

  test('an instance with its study, and once more', async () => {
    for (const id of ids) {
      const [found, expected] = await both(async ({ hierarchy }) => {
        const read = await hierarchy.instanceWithStudy(id, (await hierarchy.describe(id)).parents);
        return { ...read, again: await hierarchy.again(read.instance) };
      });
      // `/tools/bulk-content` is asked for all levels at once, and so for the type.
      expect(expected).toMatchObject(found);
      expect(found.instance).toMatchObject(found.again ?? {});
    }
  });

  test('an instance that was deleted meanwhile', async () => {
    const { orthancId } = await storeInstance(url(), image({ patientId: 'deleted' }));
    const id = instanceId.parse(orthancId);
    const [, [parents, instance] = []] = await both(
      async ({ hierarchy }) =>
        [(await hierarchy.describe(id)).parents, await hierarchy.instance(id)] as const,
    );
    if (parents === undefined || instance === undefined) throw new Error('it was not read');
    await fetch(`${url()}/instances/${id}`, { method: 'DELETE' });
    const gone = await both(async ({ hierarchy }) => [
      await hierarchy.again(instance),
      await hierarchy.tree(parents.study),
      await hierarchy.instanceWithStudy(id, parents).catch(({ code }) => code),
    ]);
    expect(gone).toEqual([
      [undefined, undefined, 'instance_gone'],
      [undefined, undefined, 'instance_gone'],
    ]);
  });
}

const sorted = (
  trees: readonly { study: { ID: string }; series: { ID: string }[]; instances: { ID: string }[] }[],
) =>
  trees
    .map((tree) => ({
      ...tree,
      series: tree.series.toSorted(byId),
      instances: tree.instances.toSorted(byId),
    }))
    .sort((a, b) => byId(a.study, b.study));
const byId = (a: { ID: string }, b: { ID: string }) => (a.ID < b.ID ? -1 : 1);
