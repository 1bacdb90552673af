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
export type Resource = z.output<typeof resource>;
export type Level = 'Study' | 'Series' | 'Instance';

/** The expected content of an Orthanc: its instances, and the labels of other users on its studies. */
export interface Expected {
  instances: ReadonlyMap<string, TestInstance>;
  /** Study → label. */
  othersLabels?: ReadonlyMap<string, string>;
}

export interface Audit {
  decisions: Record<string, number>;
  studies: number;
  violations: string[];
}

const pageSize = 500;

/** Metadata and labels of those that Orthanc has. */
export async function contents(orthanc: string, ids: readonly string[], level: Level): Promise<Resource[]> {
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

/** Number of radiographs without a completely written decision. */
export async function countUndecided(
  orthanc: string,
  instances: ReadonlyMap<string, TestInstance>,
): Promise<number> {
  const radiographs = [...instances].filter(([, { expected }]) => expected !== 'untouched').map(([id]) => id);
  const found = await contents(orthanc, radiographs, 'Instance');
  const done = found.filter(({ Metadata }) => Metadata.RadiographCategory !== undefined).length;
  return radiographs.length - done;
}

/** @returns those that Orthanc says it does not have */
export async function missing(orthanc: string, ids: readonly string[]): Promise<string[]> {
  const listed = new Set((await contents(orthanc, ids, 'Instance')).map(({ ID }) => ID));
  const gone: string[] = [];
  for (const id of ids)
    if (!listed.has(id) && (await fetch(`${orthanc}/instances/${id}`)).status === 404) gone.push(id);
  return gone;
}

/** Sets a label on every third study, as a user would. @returns study → label */
export async function addUserLabels(
  orthanc: string,
  studies: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const labelled = new Map<string, string>();
  for (const study of [...studies].filter((_, index) => index % 3 === 0)) {
    await fetch(`${orthanc}/studies/${study}/labels/teaching`, { method: 'PUT' });
    labelled.set(study, 'teaching');
  }
  return labelled;
}

/** Compares the content of Orthanc with the expected one. Call it when nothing writes any more. */
export async function audit(orthanc: string, expected: Expected): Promise<Audit> {
  const violations: string[] = [];
  const instances = await contents(orthanc, [...expected.instances.keys()], 'Instance');
  if (instances.length !== expected.instances.size)
    violations.push(`Orthanc holds ${instances.length} of ${expected.instances.size} instances`);
  const decisions: Record<string, number> = {};
  const byPicture = new Map<number, string>();
  /** Expected labels and counts of each series and study, from its instances. */
  const expectedByParent = new Map<string, { labels: Set<string>; decisions: Record<string, number> }>();
  const series = await contents(orthanc, [...new Set(instances.map((one) => one.ParentSeries))], 'Series');
  const studyOf = new Map(series.map((one) => [one.ID, one.ParentStudy]));

  for (const one of instances) {
    const item = expected.instances.get(one.ID);
    const report = (what: string) => violations.push(`instance ${one.ID}: ${what}`);
    if (item === undefined || item.expected === 'untouched') {
      if (one.Labels.length > 0) report(`is no radiograph, but has the labels ${one.Labels}`);
      if (one.Metadata.Radiograph !== undefined) report('is no radiograph, but has a record');
      continue;
    }
    const record = readRecord(instanceRecord, one.Metadata.Radiograph);
    const category = one.Metadata.RadiographCategory;
    if (record === undefined || category === undefined) {
      report(`is undecided (record: ${record?.decision}, category: ${category})`);
      continue;
    }
    decisions[record.decision] = (decisions[record.decision] ?? 0) + 1;
    if (category !== (record.category ?? 'unknown'))
      report(`says ${category}, its record ${record.category}`);
    // What a person said is not what the picture shows.
    const byNetwork = record.who !== 'person';
    if (byNetwork && (record.decision === 'failed') !== (item.expected === 'failed'))
      report(`is ${record.decision}, should be ${item.expected}: ${record.reason}`);
    if (record.decision === 'failed' && !record.failure?.message) report('failed without a reason');
    const label = labelOf(record);
    expectLabels(report, one, [label], record.labels);
    if (byNetwork && item.expected === 'decided') {
      const decision = JSON.stringify([record.decision, record.category, record.top]);
      if ((byPicture.get(item.picture) ?? decision) !== decision)
        report('differs from another of the same picture');
      byPicture.set(item.picture, decision);
    }
    for (const parent of [one.ParentSeries, studyOf.get(one.ParentSeries) ?? '']) {
      const aggregate = expectedByParent.get(parent) ?? { labels: new Set(), decisions: {} };
      aggregate.labels.add(label);
      aggregate.decisions[record.decision] = (aggregate.decisions[record.decision] ?? 0) + 1;
      expectedByParent.set(parent, aggregate);
    }
  }

  const studies = await contents(orthanc, [...new Set(studyOf.values())], 'Study');
  for (const one of [...series, ...studies]) {
    const report = (what: string) => violations.push(`series or study ${one.ID}: ${what}`);
    const aggregate = expectedByParent.get(one.ID);
    const record = readRecord(groupRecord, one.Metadata.Radiograph);
    const others = expected.othersLabels?.get(one.ID);
    if (aggregate === undefined) {
      if (record !== undefined) report('holds no radiograph, but has a record');
      if (!equal(one.Labels, others === undefined ? [] : [others])) report(`has the labels ${one.Labels}`);
      continue;
    }
    expectLabels(report, one, [...aggregate.labels], record?.labels ?? [], others);
    if (!same(record?.decisions ?? {}, aggregate.decisions))
      report(`counts ${JSON.stringify(record?.decisions)}, not ${JSON.stringify(aggregate.decisions)}`);
  }
  return { decisions, studies: studies.length, violations };
}

const labelOf = ({ decision, category }: { decision: string; category?: string | undefined }): string =>
  decision === 'category' ? (category ?? '') : decision === 'failed' ? 'classification_failed' : decision;

function expectLabels(
  report: (what: string) => void,
  { Labels }: Resource,
  expectedLabels: readonly string[],
  owned: readonly string[],
  others?: string,
): void {
  const all = others === undefined ? expectedLabels : [...expectedLabels, others];
  if (!equal(Labels, all)) report(`has the labels ${Labels}, not ${all}`);
  if (!equal(owned, expectedLabels)) report(`claims the labels ${owned}, not ${expectedLabels}`);
}

const equal = (a: readonly string[], b: readonly string[]) => [...a].sort().join() === [...b].sort().join();

const same = (a: Record<string, number>, b: Record<string, number>) =>
  Object.keys({ ...a, ...b }).every((key) => a[key] === b[key]);
