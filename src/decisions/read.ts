import type { InstanceContent } from '../orthanc/resources.js';
import {
  type InstanceRecord,
  instanceRecord,
  metadataNames,
  type NewDecision,
  type ReclassifyRequest,
  readRecord,
  reclassifyRequest,
  unknownCategory,
} from './schema.js';

/**
 * Whether an instance is new to Plainview: no decision or request is in its metadata, and it is no copy of another
 * instance, which may have a decision.
 */
export const isUntouched = ({ Metadata }: InstanceContent): boolean =>
  [metadataNames.record, metadataNames.request, 'ModifiedFrom', 'AnonymizedFrom'].every(
    (name) => !(name in Metadata),
  );

/** The record of an instance, and whether it was written to its end (labels on all levels). */
export function recordOf(
  instance: InstanceContent,
): { record: InstanceRecord; complete: boolean } | undefined {
  const record = readRecord(instanceRecord, instance.Metadata[metadataNames.record]);
  if (record === undefined) return undefined;
  return {
    record,
    complete: instance.Metadata[metadataNames.category] === (record.category ?? unknownCategory),
  };
}

/** A record's decision, without what Plainview adds when it writes the record. */
export function decisionOf({ version: _, labels: __, order: ___, ...decision }: InstanceRecord): NewDecision {
  return decision;
}

/** A person's decision that stands on all levels. */
export function standingCorrection(instance: InstanceContent): NewDecision | undefined {
  const known = recordOf(instance);
  return known?.record.who === 'person' && known.complete ? decisionOf(known.record) : undefined;
}

/** A person's decision whose labels do not stand on all levels yet: being written just now, or cut off by a crash. */
export function isHalfCorrected(instance: InstanceContent): boolean {
  const known = recordOf(instance);
  return known !== undefined && known.record.who === 'person' && !known.complete;
}

/**
 * Whether a request asks for a decision to be made anew: a person's only where it says so and came after it. Clocks differ and
 * are set, so times do not tell what came after. A person's decision is complete only after the request before it is deleted.
 */
export function asksAnew(
  request: ReclassifyRequest,
  { record, complete }: { record: Pick<InstanceRecord, 'who'>; complete: boolean },
): boolean {
  return record.who !== 'person' || (request.includingCorrected && complete);
}

/** What is asked of an instance; a text that is no JSON asks for the plain thing, as a button of Orthanc's writes it. */
export function requestOf(instance: InstanceContent): ReclassifyRequest | undefined {
  const text = instance.Metadata[metadataNames.request];
  return text === undefined
    ? undefined
    : (readRecord(reclassifyRequest, text) ?? reclassifyRequest.parse({}));
}
