import type { InstanceRecord } from '../../../decisions/schema.js';
import { metadataAsReceived } from '../../../decisions/tags-record.js';
import type { InstanceContent } from '../../../orthanc/resources.js';
import type { Rules } from './read.js';

/** What rules go by. */
export interface Facts {
  record: InstanceRecord;
  /** AE title of whoever sent the instance to Orthanc; empty if it did not come by DICOM. */
  sender: string;
  /** Text of the attributes at the top of the dataset, by keyword. */
  tags: ReadonlyMap<string, string>;
}

export type LeftAlone = 'before_since' | 'copy';

/** Why an instance is nothing for any rule, as far as Orthanc's metadata tells. */
export function whyLeftAlone(instance: InstanceContent, rules: Rules): LeftAlone | undefined {
  const { ReceptionDate: received = '', ModifiedFrom, AnonymizedFrom } = metadataAsReceived(instance);
  if (receptionTime(received) < rules.since.getTime()) return 'before_since';
  // Whoever makes a copy of each picture that comes, and sends it here, would be sent the copy's copy.
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

/** Also a copy, wherever it was made: no metadata tells of that. */
export const isDeidentified = ({ tags }: Facts): boolean => tags.get('PatientIdentityRemoved') === 'YES';

/** @param text Orthanc's `20260131T120000`, UTC; what is not like that counts as long ago */
function receptionTime(text: string): number {
  const iso = text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d).*$/, '$1-$2-$3T$4:$5:$6Z');
  const time = Date.parse(iso);
  return Number.isNaN(time) ? 0 : time;
}
