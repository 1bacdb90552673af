import type { InstanceContent } from '../orthanc/resources.js';
import { derivedOnce } from './derived-once.js';
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

/** The record of an instance whose metadata does not change any more: it is parsed once. */
export const recordIn = derivedOnce(({ Metadata }: Pick<InstanceContent, 'Metadata'>) =>
  readRecord(instanceRecord, Metadata[metadataNames.record]),
);

/** A record's decision, without what Plainview adds when it writes the record. */
export function decisionOf(record: InstanceRecord): NewDecision {
  const { version: _, labels: __, order: ___, exposure: ____, declared: _____, ...decision } = record;
  return decision;
}

/** What names a network that decides: its files, and its precision where that is not float32. */
export const runOf = ({
  sha256,
  precision,
}: Pick<InstanceRecord['network'], 'sha256' | 'precision'>): string =>
  precision === undefined ? sha256 : `${sha256} ${precision}`;

/** Whether a network made this decision: in the same precision, and with the same description, where the record names that. */
export const isBy = (
  { network }: Pick<InstanceRecord, 'network'>,
  other: Pick<InstanceRecord['network'], 'sha256' | 'described' | 'precision'>,
): boolean =>
  runOf(network) === runOf(other) &&
  (network.described === undefined || network.described === other.described);

/** A person's decision that stands on all levels. */
export function standingCorrection(instance: InstanceContent): NewDecision | undefined {
  const known = recordOf(instance);
  return known?.record.who === 'person' && known.complete ? decisionOf(known.record) : undefined;
}

/** A decision whose labels do not stand on all levels yet: being written just now, or cut off by a crash. */
export const isHalfWritten = (instance: InstanceContent): boolean => recordOf(instance)?.complete === false;

/** What is asked of an instance; a text that is no JSON asks for the plain thing, as a button of Orthanc's writes it. */
export function requestOf(instance: InstanceContent): ReclassifyRequest | undefined {
  const text = instance.Metadata[metadataNames.request];
  return text === undefined
    ? undefined
    : (readRecord(reclassifyRequest, text) ?? reclassifyRequest.parse({}));
}
