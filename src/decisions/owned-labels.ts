import type { ResourcePath } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { planLabels } from './labels.js';
import { type GroupRecord, type InstanceRecord, metadataNames } from './schema.js';

export interface LabelledResource {
  Labels: string[];
  Metadata: Record<string, string>;
}

export interface WrittenRecord {
  /** The record as it stands now. */
  text: string | undefined;
  labels: string[];
}

/**
 * Writes a record and the labels of one resource, and nothing that stands there already. The record goes before the
 * labels it owns, so no label of ours is ever taken for somebody else's.
 * @param ours labels that are there by an earlier record
 */
export async function writeLabelled(
  orthanc: Orthanc,
  resource: ResourcePath,
  content: LabelledResource,
  ours: string[],
  wanted: string[],
  record: (labels: string[]) => InstanceRecord | GroupRecord,
): Promise<WrittenRecord> {
  const plan = planLabels(content.Labels, ours, wanted);
  let text = content.Metadata[metadataNames.record];
  const put = async (labels: string[]) => {
    const next = JSON.stringify(record(labels));
    if (next !== text) await orthanc.putMetadata(resource, metadataNames.record, next);
    text = next;
  };
  // What is to be removed is still ours until it is gone.
  await put([...new Set([...plan.owned, ...plan.remove])].sort());
  for (const label of plan.add) await orthanc.putLabel(resource, label);
  for (const label of plan.remove) await orthanc.deleteLabel(resource, label);
  await put(plan.owned);
  return { text, labels: plan.owned };
}
