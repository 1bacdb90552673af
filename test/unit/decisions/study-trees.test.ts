import { beforeEach, expect, test } from 'vitest';
import { Aggregates } from '../../../src/decisions/aggregates.js';
import { StudyTrees } from '../../../src/decisions/study-trees.js';
import { type InstanceId, type StudyId, studyId } from '../../../src/orthanc/ids.js';
import { LocalLocks } from '../../../src/store/local-locks.js';
import { image, uid } from '../../../testkit/dicom.js';
import { decidedAs, type Line, names, useFakeSite } from '../../../testkit/fake-site.js';
import { seeded } from '../../../testkit/random.js';

const site = useFakeSite();
const many = 30;
const small = { rows: 8, columns: 8 };
let lines: Line[] = [];
let study: StudyId = studyId.parse(`00000001${'-00000000'.repeat(4)}`);

const record = (category: string) =>
  JSON.stringify({ version: 1, ...decidedAs(category), labels: [category] });
const decide = ({ instance }: Line, category: string) =>
  site.put(`instances/${instance}/metadata/Radiograph`, record(category));

beforeEach(() => {
  lines = Array.from({ length: many }, (_, n) =>
    site.store(
      image({
        rows: 8,
        columns: 8,
        studyInstanceUid: uid('large'),
        seriesInstanceUid: uid(`large ${n % 2}`),
      }),
    ),
  );
  study = lines[0]?.study ?? study;
});

/** Trees that note the instances that they read one by one; `whole` for a whole study. */
function noted() {
  const { hierarchy } = site.process().orthanc;
  const reads: ((InstanceId | StudyId)[] | 'whole')[] = [];
  const due: number[] = [];
  let now = 0;
  const trees = new StudyTrees(
    {
      tree: (id) => {
        reads.push('whole');
        return hierarchy.tree(id);
      },
      group: (level, id) => hierarchy.group(level, id),
      instances: (ids) => {
        reads.push([...ids]);
        return hierarchy.instances(ids);
      },
    },
    (_, afterMs) => due.push(afterMs),
    () => now,
  );
  const passTime = (ms: number) => {
    now += ms;
  };
  return { trees, reads, due, passTime };
}

test('of a large study only what has changed is read, and the whole of it is due soon after', async () => {
  const { trees, reads, due, passTime } = noted();
  const { hierarchy } = site.process().orthanc;
  await trees.read(study, () => true);
  expect([trees.isLarge(study), due]).toEqual([true, []]);
  const [line] = lines;
  if (line === undefined) throw new Error('no instance');
  await decide(line, 'knee_ap');
  trees.change(study, line.instance);
  const added = site.store(
    image({ ...small, studyInstanceUid: uid('large'), seriesInstanceUid: uid('new') }),
  );
  trees.change(study, added.instance);
  passTime(4000);
  const part = await trees.read(study, () => true);
  expect(reads).toEqual(['whole', [line.instance, added.instance]]);
  expect(due).toEqual([6000]);
  const whole = await hierarchy.tree(study);
  expect(new Map(part?.instances.map((each) => [each.ID, each]))).toEqual(
    new Map(whole?.instances.map((each) => [each.ID, each])),
  );
  expect(new Set(part?.series.map(({ ID }) => ID))).toEqual(new Set([line.series, added.series]));
});

test('a study is read whole where it does not add up, some time has passed, a part is gone, a read failed, on demand', async () => {
  const { trees, reads, passTime } = noted();
  const isRead = async () => {
    reads.length = 0;
    await trees.read(study, () => true);
    return reads.at(-1);
  };
  await trees.read(study, () => true);
  await trees.read(study, () => false);
  expect(reads.at(-1)).toBe('whole');
  passTime(11_000);
  expect(await isRead()).toBe('whole');
  const [line] = lines;
  if (line === undefined) throw new Error('no instance');
  await site.remove(`instances/${line.instance}`);
  trees.change(study, line.instance);
  expect(await isRead()).toBe('whole');
  expect(await isRead()).toEqual([]);
  trees.change(study, undefined);
  expect(await isRead()).toBe('whole');
  site.fake.intercept = () => 'cut';
  await expect(trees.read(study, () => true)).rejects.toMatchObject({ code: 'orthanc_unreachable' });
  site.fake.intercept = () => undefined;
  expect(await isRead()).toBe('whole');
});

test('two services that decide the instances of one large study add up to what is in it', async () => {
  const random = seeded(7);
  const due = new Set<StudyId>();
  const services = [0, 1].map(
    () => new Aggregates(site.process().orthanc, names, new LocalLocks(), (id) => due.add(id)),
  );
  const categories = ['knee_ap', 'hand_ap', 'ankle_ap'];
  const now = new Map<string, string>();
  const decideOne = async (aggregates: Aggregates | undefined) => {
    const line = lines[Math.floor(random() * lines.length)];
    const category = categories[Math.floor(random() * categories.length)] ?? '';
    if (line === undefined) return;
    await decide(line, category);
    now.set(line.instance, category);
    await aggregates?.aggregate(study, line.instance);
  };
  for (let burst = 0; burst < 10; burst++) {
    for (let step = 0; step < 12; step++) await decideOne(services[random() < 0.5 ? 0 : 1]);
    // What `onPart` asks for.
    for (const id of due) await services[0]?.aggregate(id);
    const expected: Record<string, number> = {};
    for (const each of now.values()) expected[each] = (expected[each] ?? 0) + 1;
    expect(site.group(study)?.categories).toEqual(expected);
    expect(site.fake.labels(study)).toEqual(Object.keys(expected).sort());
  }
});
