import { createHash } from 'node:crypto';
import { type BodyPart, bodyPart, type Projection, projection } from '../../../anatomy/regions.js';
import { recordOf } from '../../../decisions/read.js';
import type { InstanceRecord } from '../../../decisions/schema.js';
import { radiographsOf, type StudyTree } from '../../../orthanc/hierarchy.js';
import type { InstanceId } from '../../../orthanc/ids.js';

export type PictureSide = 'left' | 'right' | 'both';

/** A radiograph of a study. */
export interface StudyPicture {
  instance: InstanceId;
  decision: InstanceRecord['decision'] | 'undecided';
  /** Absent unless the decision gave one. */
  category?: string;
  side?: PictureSide;
}

/** What the descriptions of the study and of its request name. */
export interface StudyOrder {
  bodyParts: BodyPart[];
  projections: Projection[];
  /** Whether it names two planes without saying which. */
  hasUnnamedPlanes: boolean;
  sides: PictureSide[];
}

/** The input of the rules on studies. */
export interface StudyFacts {
  pictures: StudyPicture[];
  order: StudyOrder;
  /** Changes with what is decided of the pictures, and with what was ordered; with nothing else. */
  content: string;
}

type Words = NonNullable<InstanceRecord['order']>['words'];

/** Attributes that describe the order as a whole. The others describe a series or a picture. */
const ofOrder: readonly string[] = [
  'StudyDescription',
  'RequestedProcedureDescription',
  'ScheduledProcedureStepDescription',
  'ProcedureCodeSequence',
  'RequestedProcedureCodeSequence',
];

/** @param modalities those of radiographs */
export function studyFactsOf(
  { series, instances }: Omit<StudyTree, 'study'>,
  modalities: readonly string[],
): StudyFacts {
  const radiographs = radiographsOf(series, instances, modalities).map((instance) => {
    const known = recordOf(instance);
    return { instance, record: known?.complete ? known.record : undefined };
  });
  const pictures = radiographs
    .map(({ instance, record }): StudyPicture => {
      const side = sideOf(record?.order?.words ?? []);
      return {
        instance: instance.ID,
        decision: record?.decision ?? 'undecided',
        ...(record?.category === undefined ? {} : { category: record.category }),
        ...(side === undefined ? {} : { side }),
      };
    })
    .sort((a, b) => (a.instance < b.instance ? -1 : 1));
  const lines = pictures.map(({ instance, decision, category, side }) =>
    [instance, category ?? decision, side].join(' '),
  );
  const order = orderOf(radiographs.flatMap(({ record }) => record?.order?.words ?? []));
  return {
    pictures,
    order,
    content: createHash('sha256')
      .update([...lines, JSON.stringify(order)].join('\n'))
      .digest('hex')
      .slice(0, 16),
  };
}

/**
 * The side that DICOM gives the picture, else the series; else the one side that the descriptions name. An order for both
 * sides does not tell which one a picture shows.
 */
function sideOf(words: Words): PictureSide | undefined {
  for (const attribute of ['ImageLaterality', 'Laterality']) {
    const side = words.filter((each) => each.attribute === attribute).flatMap(asSide)[0];
    if (side !== undefined) return side;
  }
  const isOfOrder = ({ attribute }: Words[number]) => ofOrder.includes(attribute);
  for (const some of [words.filter((each) => !isOfOrder(each)), words.filter(isOfOrder)]) {
    const described = new Set(some.flatMap(asSide));
    const [side] = described;
    if (described.size === 1 && side !== 'both') return side;
  }
  return undefined;
}

function orderOf(words: Words): StudyOrder {
  const ordered = words.filter(({ attribute }) => ofOrder.includes(attribute));
  const values = <T extends string>(of: (means: string) => T | undefined): T[] =>
    [...new Set(ordered.flatMap(({ means }) => of(means) ?? []))].sort();
  const says = (plane: Projection) => (given: Words[number]) =>
    ordered.some(
      ({ attribute, word, means }) => attribute === given.attribute && word === given.word && means === plane,
    );
  return {
    bodyParts: values((means) => bodyPart.safeParse(means).data),
    projections: values((means) => projection.safeParse(means).data),
    hasUnnamedPlanes: ordered.some((each) => says('frontal')(each) && says('lateral')(each)),
    sides: values((means) => asSide({ means })[0]),
  };
}

const asSide = ({ means }: { means: string }): PictureSide[] =>
  means === 'left' || means === 'right' || means === 'both' ? [means] : [];
