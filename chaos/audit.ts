import { z } from 'zod';
import { groupRecord, instanceRecord, readRecord } from '../src/decisions/schema.js';
import type { TestInstance } from './test-instances.js';

const resource = z.object({
  ID: z.string(),
  ParentSeries: z.string().default(''),
  ParentStudy: z.string().default(''),
  Metadata: z.record(z.string(), z.string()),
  Labels: z.array(z.string()),
});
type Resource = z.output<typeof resource>;
type Level = 'Study' | 'Series' | 'Instance';

/** What was asked of an Orthanc: which instances it holds, and which labels others put on its studies. */
export interface Expected {
  instances: ReadonlyMap<string, TestInstance>;
  /** By study. */
  othersLabels?: ReadonlyMap<string, string>;
}

export interface Audit {
  decisions: Record<string, number>;
  studies: number;
  violations: string[];
}

const pageSize = 500;

async function contents(orthanc: string, ids: readonly string[], level: Level): Promise<Resource[]> {
  const found: Resource[] = [];
  for (let start = 0; start < ids.length; start += pageSize) {
    const Resources = ids.slice(start, start + pageSize);
    const answer = await fetch(`${orthanc}/tools/bulk-content`, {
      method: 'POST',
      body: JSON.stringify({ Resources, Level: level, Metadata: true, Short: true }),
      signal: AbortSignal.timeout(60_000),
    });
    found.push(...z.array(resource).parse(await answer.json()));
  }
  return [...new Map(found.map((one) => [one.ID, one])).values()];
}

/** How many radiographs carry no decision that was written to its end. */
export async function countUndecided(
  orthanc: string,
  instances: ReadonlyMap<string, TestInstance>,
): Promise<number> {
  const radiographs = [...instances].filter(([, { expected }]) => expected !== 'untouched').map(([id]) => id);
  const found = await contents(orthanc, radiographs, 'Instance');
  const done = found.filter(({ Metadata }) => Metadata.RadiographCategory !== undefined).length;
  return radiographs.length - done;
}

/** Labels every third study as a person would. @returns the labels by study */
export async function labelSome(orthanc: string, studies: ReadonlySet<string>): Promise<Map<string, string>> {
  const labelled = new Map<string, string>();
  for (const study of [...studies].filter((_, index) => index % 3 === 0)) {
    await fetch(`${orthanc}/studies/${study}/labels/teaching`, { method: 'PUT' });
    labelled.set(study, 'teaching');
  }
  return labelled;
}

/** Looks at everything that stands in Orthanc when nobody writes any more. */
export async function audit(orthanc: string, expected: Expected): Promise<Audit> {
  const violations: string[] = [];
  const instances = await contents(orthanc, [...expected.instances.keys()], 'Instance');
  if (instances.length !== expected.instances.size)
    violations.push(`Orthanc holds ${instances.length} of ${expected.instances.size} instances`);
  const decisions: Record<string, number> = {};
  const byPicture = new Map<number, string>();
  /** Labels that the instances below ask of a series or study, and how they add up. */
  const wanted = new Map<string, { labels: Set<string>; decisions: Record<string, number> }>();
  const series = await contents(orthanc, [...new Set(instances.map((one) => one.ParentSeries))], 'Series');
  const studyOf = new Map(series.map((one) => [one.ID, one.ParentStudy]));

  for (const one of instances) {
    const item = expected.instances.get(one.ID);
    const say = (what: string) => violations.push(`instance ${one.ID}: ${what}`);
    if (item === undefined || item.expected === 'untouched') {
      if (one.Labels.length > 0) say(`is no radiograph, but has the labels ${one.Labels}`);
      if (one.Metadata.Radiograph !== undefined) say('is no radiograph, but has a record');
      continue;
    }
    const record = readRecord(instanceRecord, one.Metadata.Radiograph);
    const category = one.Metadata.RadiographCategory;
    if (record === undefined || category === undefined) {
      say(`is bare (record: ${record?.decision}, category: ${category})`);
      continue;
    }
    decisions[record.decision] = (decisions[record.decision] ?? 0) + 1;
    if (category !== (record.category ?? 'unknown')) say(`says ${category}, its record ${record.category}`);
    if ((record.decision === 'failed') !== (item.expected === 'failed'))
      say(`is ${record.decision}, should be ${item.expected}: ${record.reason}`);
    if (record.decision === 'failed' && !record.failure?.message) say('failed without a reason');
    const label = labelOf(record);
    expectLabels(say, one, [label], record.labels);
    if (item.expected === 'decided') {
      const seen = JSON.stringify([record.decision, record.category, record.top]);
      if ((byPicture.get(item.picture) ?? seen) !== seen) say('differs from another of the same picture');
      byPicture.set(item.picture, seen);
    }
    for (const parent of [one.ParentSeries, studyOf.get(one.ParentSeries) ?? '']) {
      const sum = wanted.get(parent) ?? { labels: new Set(), decisions: {} };
      sum.labels.add(label);
      sum.decisions[record.decision] = (sum.decisions[record.decision] ?? 0) + 1;
      wanted.set(parent, sum);
    }
  }

  const studies = await contents(orthanc, [...new Set(studyOf.values())], 'Study');
  for (const one of [...series, ...studies]) {
    const say = (what: string) => violations.push(`series or study ${one.ID}: ${what}`);
    const sum = wanted.get(one.ID);
    const record = readRecord(groupRecord, one.Metadata.Radiograph);
    const others = expected.othersLabels?.get(one.ID);
    if (sum === undefined) {
      if (record !== undefined) say('holds no radiograph, but has a record');
      if (!equal(one.Labels, others === undefined ? [] : [others])) say(`has the labels ${one.Labels}`);
      continue;
    }
    expectLabels(say, one, [...sum.labels], record?.labels ?? [], others);
    if (!same(record?.decisions ?? {}, sum.decisions))
      say(`counts ${JSON.stringify(record?.decisions)}, not ${JSON.stringify(sum.decisions)}`);
  }
  return { decisions, studies: studies.length, violations };
}

const labelOf = ({ decision, category }: { decision: string; category?: string | undefined }): string =>
  decision === 'category' ? (category ?? '') : decision === 'failed' ? 'classification_failed' : decision;

function expectLabels(
  say: (what: string) => void,
  { Labels }: Resource,
  wanted: readonly string[],
  owned: readonly string[],
  others?: string,
): void {
  const all = others === undefined ? wanted : [...wanted, others];
  if (!equal(Labels, all)) say(`has the labels ${Labels}, not ${all}`);
  if (!equal(owned, wanted)) say(`claims the labels ${owned}, not ${wanted}`);
}

const equal = (a: readonly string[], b: readonly string[]) => [...a].sort().join() === [...b].sort().join();

const same = (a: Record<string, number>, b: Record<string, number>) =>
  Object.keys({ ...a, ...b }).every((key) => a[key] === b[key]);
