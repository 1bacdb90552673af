import { hasCode } from '../errors/errors.js';
import type { ResourcePath } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { LabelPlan } from './labels.js';
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
  added: string[];
  /** Another service has replaced the record since it was written, and so answers for the labels that it names. */
  isOvertaken: boolean;
}

/**
 * Adds and removes the labels of one resource. Plainview's own note of the labels that it owns is written before they
 * are added and until they are removed. So after a crash no label of ours is taken for somebody else's. What another
 * service may be about to add stays in the note too: only a later pass removes it from there.
 * @param note writes the labels that are ours
 */
export async function applyOwnedLabels(
  orthanc: Pick<Orthanc, 'labels'>,
  resource: ResourcePath,
  plan: LabelPlan,
  note: (labels: string[]) => Promise<void>,
): Promise<void> {
  const { owned, remove, pending } = plan;
  await note(sorted([...owned, ...remove, ...pending]));
  for (const label of plan.add) await orthanc.labels.add(resource, label);
  for (const label of remove) await orthanc.labels.remove(resource, label);
  if (remove.length > 0) await note(sorted([...owned, ...pending]));
}

const sorted = (labels: readonly string[]): string[] => [...new Set(labels)].sort();

/**
 * Writes a record and the labels of one resource, and nothing that is there already.
 * @param content as it was read
 * @param plan for its labels
 * @param whenNoted runs once the record is there, before the labels are
 * @throws orthanc_conflict where the record is not the one that was read: another service writes too
 */
export async function writeRecord(
  orthanc: Pick<Orthanc, 'labels' | 'metadata'>,
  resource: ResourcePath,
  content: LabelledResource,
  plan: LabelPlan,
  record: (labels: string[]) => InstanceRecord | GroupRecord,
  whenNoted: () => Promise<void> = async () => undefined,
): Promise<WrittenRecord> {
  // A newer Plainview of the same version may have added fields: going back to an older one must not lose them.
  const unknown = unknownFields(content.Metadata[metadataNames.record], knownFields);
  let text = content.Metadata[metadataNames.record];
  let isNoted = false;
  let isOvertaken = false;
  await applyOwnedLabels(orthanc, resource, plan, async (labels) => {
    const next = JSON.stringify({ ...unknown, ...record(labels) });
    if (next !== text) await orthanc.metadata.replace(resource, metadataNames.record, text, next);
    text = next;
    if (!isNoted) await whenNoted();
    isNoted = true;
  }).catch((error: unknown) => {
    isOvertaken = isNoted && hasCode(error, 'orthanc_conflict');
    if (!isOvertaken) throw error;
  });
  return { text, labels: sorted([...plan.owned, ...plan.pending]), added: plan.add, isOvertaken };
}
