import pMap from 'p-map';
import type { Selection } from '../contract/selection.js';
import { recordOf } from '../decisions/read.js';
import type { InstanceRecord } from '../decisions/schema.js';
import { hasOtherVersion } from '../decisions/versions.js';
import { ifAbsent } from '../orthanc/catch-handlers.js';
import type { InstanceIdentifiers } from '../orthanc/hierarchy.js';
import type { InstanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { type AttributeColumn, shownValue } from './attributes.js';
import { select } from './select.js';
import type { Column } from './table.js';

/** A decided radiograph that was found: identifiers and decision, no patient data. */
export interface Find extends InstanceIdentifiers {
  instance: InstanceId;
  /** Undefined where only another version of Plainview can read it. */
  record: InstanceRecord | undefined;
  /** By keyword, those that were asked for. */
  attribute: (keyword: string) => string | undefined;
}

/** In place of the decision that only another version of Plainview can read. */
const unreadable = 'other_version';

/** The category; the decision where it gives none. */
export const categoryOrDecision = ({ record }: Find): string =>
  record === undefined ? unreadable : (record.category ?? record.decision);

/** Instances whose attributes are asked for at a time. Orthanc reads the file of each. */
const concurrency = 4;

/**
 * Returns pages, so that an archive never is in memory as a whole. Leaves out instances without a decision.
 * @param keywords of further DICOM attributes
 */
export async function* find(
  orthanc: Orthanc,
  wanted: Selection,
  modalities: readonly string[],
  keywords: readonly string[] = [],
): AsyncGenerator<Find[]> {
  for await (const page of select(orthanc, wanted, modalities)) {
    const decided = page.flatMap((instance) => {
      const record = recordOf(instance)?.record;
      return record === undefined && !hasOtherVersion(instance) ? [] : [{ instance: instance.ID, record }];
    });
    const places = await orthanc.hierarchy.identifiersByInstance(decided.map(({ instance }) => instance));
    const complete = async (each: (typeof decided)[number]): Promise<Find[]> => {
      const place = places.get(each.instance);
      const attribute =
        keywords.length === 0
          ? () => undefined
          : await orthanc.search.attributes(each.instance, keywords).catch(ifAbsent(undefined));
      // Deleted in the meantime.
      return place === undefined || attribute === undefined ? [] : [{ ...each, ...place, attribute }];
    };
    yield (await pMap(decided, complete, { concurrency })).flat();
  }
}

/** The columns of a list, with those of further attributes. */
export const findColumns = (
  attributes: readonly AttributeColumn[],
  isIdentifying: boolean,
): Column<Find>[] => [
  text('category', ({ record }) => record?.category),
  text('decision', ({ record }) => record?.decision ?? unreadable),
  { name: 'score', type: 'DOUBLE', value: ({ record }) => record?.top[0]?.score },
  text('best', ({ record }) => record?.top[0]?.category),
  text('order', ({ record }) => record?.order?.answer),
  text('who', ({ record }) => record?.who),
  text('network', ({ record }) => record?.network.name),
  text('network_sha256', ({ record }) => record?.network.sha256),
  text('when', ({ record }) => record?.when),
  text('instance', ({ instance }) => instance),
  text('series', ({ series }) => series),
  text('study', ({ study }) => study),
  text('sop_instance_uid', ({ sopInstanceUid }) => sopInstanceUid),
  text('series_instance_uid', ({ seriesInstanceUid }) => seriesInstanceUid),
  text('study_instance_uid', ({ studyInstanceUid }) => studyInstanceUid),
  ...attributes.map((each) => ({
    name: each.keyword,
    type: each.type,
    value: ({ attribute }: Find) => shownValue(each, attribute(each.keyword), isIdentifying),
  })),
];

function text(name: string, value: Column<Find>['value']): Column<Find> {
  return { name, type: 'STRING', value };
}
