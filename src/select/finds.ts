import type { Selection } from '../contract/selection.js';
import { recordOf } from '../decisions/read.js';
import type { InstanceRecord } from '../decisions/schema.js';
import { hasOtherVersion } from '../decisions/versions.js';
import { csvLine } from '../files/csv.js';
import type { InstanceIdentifiers } from '../orthanc/hierarchy.js';
import type { InstanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { select } from './select.js';

/** A decided radiograph that was found: identifiers and decision, no patient data. */
export interface Find extends InstanceIdentifiers {
  instance: InstanceId;
  /** Undefined where only another version of Plainview can read it. */
  record: InstanceRecord | undefined;
}

/** In place of the decision that only another version of Plainview can read. */
const unreadable = 'other_version';

/** The category; the decision where it gives none. */
export const categoryOrDecision = ({ record }: Find): string =>
  record === undefined ? unreadable : (record.category ?? record.decision);

/** Returns pages, so that an archive never is in memory as a whole. Leaves out instances without a decision. */
export async function* find(
  orthanc: Orthanc,
  wanted: Selection,
  modalities: readonly string[],
): AsyncGenerator<Find[]> {
  for await (const page of select(orthanc, wanted, modalities)) {
    const decided = page.flatMap((instance) => {
      const record = recordOf(instance)?.record;
      return record === undefined && !hasOtherVersion(instance) ? [] : [{ instance: instance.ID, record }];
    });
    const places = await orthanc.hierarchy.identifiersByInstance(decided.map(({ instance }) => instance));
    yield decided.flatMap((each) => {
      const place = places.get(each.instance);
      return place === undefined ? [] : [{ ...each, ...place }]; // deleted in the meantime
    });
  }
}

const columns: readonly [string, (found: Find) => string | number | undefined][] = [
  ['category', ({ record }) => record?.category],
  ['decision', ({ record }) => record?.decision ?? unreadable],
  ['score', ({ record }) => record?.top[0]?.score],
  ['best', ({ record }) => record?.top[0]?.category],
  ['order', ({ record }) => record?.order?.answer],
  ['who', ({ record }) => record?.who],
  ['network', ({ record }) => record?.network.name],
  ['network_sha256', ({ record }) => record?.network.sha256],
  ['when', ({ record }) => record?.when],
  ['instance', ({ instance }) => instance],
  ['series', ({ series }) => series],
  ['study', ({ study }) => study],
  ['sop_instance_uid', ({ sopInstanceUid }) => sopInstanceUid],
  ['series_instance_uid', ({ seriesInstanceUid }) => seriesInstanceUid],
  ['study_instance_uid', ({ studyInstanceUid }) => studyInstanceUid],
];

export const findsHead = csvLine(columns.map(([name]) => name));
export const findsLine = (found: Find): string => csvLine(columns.map(([, value]) => value(found)));
