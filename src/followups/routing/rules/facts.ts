import type { InstanceRecord } from '../../../decisions/schema.js';
import { metadataAsReceived } from '../../../decisions/tags-record.js';
import { receptionTime } from '../../../orthanc/dates.js';
import type { InstanceContent } from '../../../orthanc/resources.js';
import type { Rules } from './read.js';

/** The input of the rules. */
export interface Facts {
  record: InstanceRecord;
  /** AE title of the sender of the instance; empty if it did not come by DICOM. */
  sender: string;
  /** Text of the attributes at the top of the dataset, by keyword. */
  tags: ReadonlyMap<string, string>;
}

export type Exclusion = 'before_since' | 'copy';

/** @returns why no rule is evaluated for an instance, by Orthanc's metadata; undefined if the rules are evaluated */
export function whyExcluded(instance: InstanceContent, rules: Rules): Exclusion | undefined {
  const { ReceptionDate: received = '', ModifiedFrom, AnonymizedFrom } = metadataAsReceived(instance);
  if ((receptionTime(received) ?? 0) < rules.since.getTime()) return 'before_since';
  // If a destination sent back a copy of each instance, copies would circulate endlessly.
  const isCopy = ModifiedFrom !== undefined || AnonymizedFrom !== undefined;
  return isCopy && !rules.copies ? 'copy' : undefined;
}

export function factsOf(
  instance: InstanceContent,
  record: InstanceRecord,
  tags: ReadonlyMap<string, string>,
): Facts {
  return { record, sender: metadataAsReceived(instance).RemoteAET ?? '', tags };
}

/** A copy that was made outside this Orthanc: only its tags show it. */
export const isDeidentified = ({ tags }: Facts): boolean => tags.get('PatientIdentityRemoved') === 'YES';
