import type { ResourcePath } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { type LabelPlan, planLabels } from './labels.js';
import {
  type GroupRecord,
  groupRecord,
  type InstanceRecord,
  instanceRecord,
  metadataNames,
} from './schema.js';
import { unknownFields } from './versions.js';

const knownFields = { ...instanceRecord.shape, ...groupRecord.shape };

export interface LabelledResource {
  Labels: string[];
  Metadata: Record<string, string>;
}

/** What is written on a resource after `writeRecord`. */
export interface WrittenRecord {
  /** The record, as JSON. */
  text: string | undefined;
  /** The labels that Plainview owns. */
  labels: string[];
}

/**
 * Adds and removes the labels of one resource. Plainview's own note of the labels that it owns is written before they
 * are added and until they are removed. So after a crash no label of ours is taken for somebody else's.
 * @param note writes the labels that are ours
 */
export async function applyOwnedLabels(
  orthanc: Pick<Orthanc, 'labels'>,
  resource: ResourcePath,
  plan: LabelPlan,
  note: (labels: string[]) => Promise<void>,
): Promise<void> {
  await note([...new Set([...plan.owned, ...plan.remove])].sort());
  for (const label of plan.add) await orthanc.labels.add(resource, label);
  for (const label of plan.remove) await orthanc.labels.remove(resource, label);
  if (plan.remove.length > 0) await note(plan.owned);
}

/**
 * Writes a record and the labels of one resource, and nothing that is there already.
 * @param content as it was read
 * @param ours labels that Plainview put there by an earlier record
 * @throws orthanc_conflict where the record is not the one that was read: another service writes too
 */
export async function writeRecord(
  orthanc: Pick<Orthanc, 'labels' | 'metadata'>,
  resource: ResourcePath,
  content: LabelledResource,
  ours: string[],
  wanted: string[],
  record: (labels: string[]) => InstanceRecord | GroupRecord,
): Promise<WrittenRecord> {
  const plan = planLabels(content.Labels, ours, wanted);
  // A newer Plainview of the same version may have added fields: going back to an older one must not lose them.
  const unknown = unknownFields(content.Metadata[metadataNames.record], knownFields);
  let text = content.Metadata[metadataNames.record];
  await applyOwnedLabels(orthanc, resource, plan, async (labels) => {
    const next = JSON.stringify({ ...unknown, ...record(labels) });
    if (next !== text) await orthanc.metadata.replace(resource, metadataNames.record, text, next);
    text = next;
  });
  return { text, labels: plan.owned };
}
