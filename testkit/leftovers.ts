import { labelsOf } from '../src/decisions/labels.js';
import type { StoredInstance } from './orthanc.js';
import type { Reader } from './service.js';

/** What differs from the decision that stands, at all three levels. */
async function leftoversOf(reader: Reader, { orthancId, series, study }: StoredInstance): Promise<string[]> {
  const record = await reader.record(orthancId);
  const wanted = record === undefined ? [] : labelsOf(record).sort();
  const problems: string[] = [];
  for (const resource of [`instances/${orthancId}`, `series/${series}`, `studies/${study}`]) {
    const labels = await reader.labels(resource);
    if (labels.join() !== wanted.join()) problems.push(`${resource}: ${labels} in place of ${wanted}`);
  }
  const category = await reader.metadata(`instances/${orthancId}`, 'RadiographCategory');
  if (category !== (record?.category ?? 'unknown')) problems.push(`category ${category}`);
  return problems;
}

/** One after the other: Orthanc has a thread for each connection, and would keep more than it has waiting. */
export async function leftovers(reader: Reader, all: readonly StoredInstance[]): Promise<string[]> {
  const problems: string[] = [];
  for (const each of all) problems.push(...(await leftoversOf(reader, each)));
  return problems;
}
