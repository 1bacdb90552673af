import { labelsOf } from '../../src/decisions/labels.js';
import { recordOf } from '../../src/decisions/read.js';
import { groupRecord, metadataNames, readRecord } from '../../src/decisions/schema.js';
import { stateLabels } from '../../src/decisions/state-labels.js';
import type { FakeOrthanc } from '../fake-orthanc.js';
import type { FollowUps } from '../kill-matrix.js';
import type { Picture, State } from './picture.js';

/** What somebody else proposes: no picture gets it. */
export const theirLabel = 'foot_ap';
export const categories = ['knee_lateral', 'hand_ap', 'ankle_ap', 'pelvis_ap'] as const;

/** What is in Orthanc at the end of a history that should not be there, or is missing. */
export async function problemsAtEnd(
  fake: FakeOrthanc,
  { rules, report }: FollowUps,
  present: readonly Picture[],
  theirs: ReadonlySet<string>,
): Promise<string[]> {
  const problems: string[] = [];
  const below = new Map<string, { labels: Set<string>; categories: Record<string, number> }>();
  for (const { id, name, states, request } of present) {
    const [metadata, labels] = [fake.metadata(id), fake.labels(id)];
    const known = recordOf({ ID: id, ParentSeries: '' as never, Metadata: metadata, Labels: labels });
    if (known?.complete !== true) {
      problems.push(`${name} is not decided to the end`);
      continue;
    }
    const { who, category = known.record.decision, requested } = known.record;
    const state: State = who === 'network' ? 'network' : `person ${category}`;
    if (!states.has(state)) problems.push(`${name} has ${state}, not ${[...states].join(' or ')}`);
    if (!(categories as readonly string[]).includes(category)) problems.push(`${name} is ${category}`);
    if (request !== undefined && state === 'network' && requested?.who !== request)
      problems.push(`${name} was not decided anew`);
    // What tags wrote into a file that was sent again or moved counts as the order's: its note is lost.
    const expected = [...labelsOf(known.record), ...(rules ? [`rule_${category}`] : [])].sort();
    if (labels.join() !== expected.join())
      problems.push(`${name} has the labels ${labels}, not ${expected}: ${JSON.stringify(metadata)}`);
    if (metadata[metadataNames.request] !== undefined) problems.push(`${name} still has a request`);
    for (const above of await parents(fake, id)) {
      const sum = below.get(above) ?? { labels: new Set(), categories: {} };
      for (const label of expected) sum.labels.add(label);
      sum.categories[category] = (sum.categories[category] ?? 0) + 1;
      below.set(above, sum);
    }
  }
  for (const [id, { labels, categories: counts }] of below) {
    const found = fake.labels(id);
    // After a picture was deleted or sent again, their label may be gone. With it, or without it, ours is.
    const isProposed = theirs.has(id) || found.includes(theirLabel);
    const proposal = isProposed ? [theirLabel, stateLabels.categoryProposed] : [];
    const expected = [...labels, ...proposal].sort().join();
    if (found.join() !== expected) problems.push(`${id} has the labels ${found}, not ${expected}`);
    const known = readRecord(groupRecord, fake.metadata(id)[metadataNames.record])?.categories;
    const sorted = Object.fromEntries(Object.entries(counts).sort());
    if (JSON.stringify(known) !== JSON.stringify(sorted))
      problems.push(`${id} says ${JSON.stringify(known)}, not ${JSON.stringify(sorted)}`);
  }
  const studies = new Set(await Promise.all(present.map(({ id }) => studyId(fake, id))));
  if (report !== 'off')
    for (const study of studies) {
      const instances = (await get(fake, `studies/${study}/instances`)) as { ID: string }[];
      const reports = instances.filter(({ ID }) => fake.metadata(ID).SopClassUid?.endsWith('88.34')).length;
      const expected = report === 'study' ? 1 : instances.length - reports;
      if (reports !== expected) problems.push(`study ${study} has ${reports} reports, not ${expected}`);
    }
  return problems;
}

const get = async (fake: FakeOrthanc, path: string): Promise<unknown> =>
  (await fetch(`${fake.url}/${path}`)).json();

async function parents(fake: FakeOrthanc, id: string): Promise<string[]> {
  const series = (await get(fake, `instances/${id}/series`)) as { ID: string; ParentStudy: string };
  return [series.ID, series.ParentStudy];
}

export const studyId = async (fake: FakeOrthanc, id: string): Promise<string | undefined> =>
  (await parents(fake, id))[1];
