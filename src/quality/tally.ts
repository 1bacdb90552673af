import type { Categories } from '../anatomy/categories.js';
import { type Dimension, type FigureName, figureNames, type Relation } from '../contract/quality.js';
import { isAnswered, saysWhatItShows } from '../decisions/correction.js';
import { openStatesOf } from '../decisions/open-states.js';
import type { InstanceRecord } from '../decisions/schema.js';
import { stateLabels } from '../decisions/state-labels.js';
import type { InstanceId } from '../orthanc/ids.js';
import type { Radiograph } from './radiographs.js';
import type { Relations } from './relation.js';

export const none = '(none)';
export const further = '(further values)';

/** Groups of a dimension. What comes later goes into one more, so that memory stays bounded. */
const mostGroups = 400;
const mostExamples = { all: 12, group: 3 };
/** A longer value is not valid DICOM. */
const longestValue = 64;

type Decider = 'person' | 'network';

export interface Counted {
  count: number;
  of: number;
  examples: InstanceId[];
}

export interface Group {
  radiographs: number;
  figures: Record<FigureName, Counted>;
  relations: Record<'bodyPart' | 'view', Record<Decider, Map<Relation, number>>>;
}

const byDecider = () => ({ person: new Map<Relation, number>(), network: new Map<Relation, number>() });
const emptyGroup = (): Group => ({
  radiographs: 0,
  figures: Object.fromEntries(
    figureNames.map((name) => [name, { count: 0, of: 0, examples: [] }]),
  ) as unknown as Group['figures'],
  relations: { bodyPart: byDecider(), view: byDecider() },
});

/** What one radiograph adds: for each figure whether it counts, where that can be told. */
interface Finding {
  figures: Partial<Record<FigureName, boolean>>;
  relations: { attribute: 'bodyPart' | 'view'; decider: Decider; relation: Relation }[];
}

interface Parts {
  relations: Relations;
  categories: Pick<Categories, 'codesOf'>;
  networkScore: number;
  dimensions: readonly Dimension[];
}

/** Adds up radiographs, by the values of the dimensions. Its size does not depend on how many there are. */
export class Tally {
  readonly #parts: Parts;
  readonly all = emptyGroup();
  readonly by: ReadonlyMap<Dimension, Map<string, Group>>;
  unread = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.by = new Map(parts.dimensions.map((dimension) => [dimension, new Map<string, Group>()]));
  }

  add(radiograph: Radiograph): void {
    const finding = this.#findingOf(radiograph);
    if (radiograph.declared === undefined) this.unread++;
    count(this.all, radiograph.instance, finding, mostExamples.all);
    for (const [dimension, groups] of this.by)
      count(
        groupOf(groups, groupValue(dimension, radiograph)),
        radiograph.instance,
        finding,
        mostExamples.group,
      );
  }

  #findingOf({ declared, record: read }: Radiograph): Finding {
    const { categories, relations, networkScore } = this.#parts;
    const record = read === 'other version' ? undefined : read;
    const decided = record && deciderOf(record, networkScore);
    const codes = decided && categories.codesOf(decided.category);
    const found: Finding['relations'] =
      decided === undefined || declared === undefined
        ? []
        : (['bodyPart', 'view'] as const).flatMap((attribute) => {
            const value = declared[attribute];
            if (value === undefined) return [];
            return { attribute, decider: decided.decider, relation: relations[attribute](value, codes) };
          });
    const side = record?.order?.side.answer;
    const compared = record?.order === undefined ? [] : comparedIn(record.order);
    return {
      relations: found,
      figures: {
        ...(declared && {
          withoutBodyPart: declared.bodyPart === undefined,
          withoutView: declared.view === undefined,
        }),
        ...Object.fromEntries(
          found.flatMap(({ attribute, decider, relation }) =>
            relation === 'unmappable'
              ? []
              : [[wrongName[attribute][decider], relation === 'contradictory'] as const],
          ),
        ),
        ...(side === 'agrees' || side === 'differs' ? { wrongSide: side === 'differs' } : {}),
        ...(compared.length > 0 ? { orderMismatch: compared.includes('differs') } : {}),
        ...(record && compared.includes('differs')
          ? {
              orderMismatchOpen: openStatesOf(record).includes(stateLabels.orderMismatch),
              orderMismatchAnswered: isAnswered(record),
            }
          : {}),
        ...(read === 'other version'
          ? {}
          : {
              undecided: record === undefined || (record.who === 'network' && record.decision !== 'category'),
            }),
      },
    };
  }
}

const wrongName = {
  bodyPart: { person: 'wrongBodyPartByPerson', network: 'wrongBodyPartByNetwork' },
  view: { person: 'wrongViewByPerson', network: 'wrongViewByNetwork' },
} as const;

/** The answers of the order check, without what could not be compared. */
const comparedIn = ({ bodyPart, projection, side }: NonNullable<InstanceRecord['order']>) =>
  [bodyPart, projection, side].flatMap(({ answer }) => (answer === 'cannot_tell' ? [] : answer));

/** Who says what the picture shows: a person where one has said so, else the network where it is sure enough. */
function deciderOf(
  record: InstanceRecord,
  networkScore: number,
): { decider: Decider; category: string } | undefined {
  const { decision, category, top } = record;
  if (decision !== 'category' || category === undefined) return undefined;
  if (saysWhatItShows(record)) return { decider: 'person', category };
  const score = top.find((each) => each.category === category)?.score ?? 0;
  return score >= networkScore ? { decider: 'network', category } : undefined;
}

function groupValue(dimension: Dimension, { declared, record, studyDate = '' }: Radiograph): string {
  switch (dimension) {
    case 'station':
      return shown(declared?.station);
    case 'device':
      return shown([declared?.manufacturer, declared?.model].filter(Boolean).join(' '));
    case 'department':
      return shown(declared?.department);
    case 'month':
      return /^\d{6}/.test(studyDate) ? `${studyDate.slice(0, 4)}-${studyDate.slice(4, 6)}` : none;
    case 'category':
      return (record === 'other version' ? undefined : record?.category) ?? none;
  }
}

/** Control characters of a sender would reach terminals. */
const shown = (value = ''): string =>
  value
    .replace(/[\p{Cc}\p{Cf}]/gu, ' ')
    .trim()
    .slice(0, longestValue) || none;

function groupOf(groups: Map<string, Group>, value: string): Group {
  const key = groups.has(value) || groups.size < mostGroups ? value : further;
  const group = groups.get(key) ?? emptyGroup();
  groups.set(key, group);
  return group;
}

function count(group: Group, instance: InstanceId, { figures, relations }: Finding, examples: number): void {
  group.radiographs++;
  for (const name of figureNames) {
    const counts = figures[name];
    if (counts === undefined) continue;
    const figure = group.figures[name];
    figure.of++;
    if (!counts) continue;
    figure.count++;
    if (figure.examples.length < examples) figure.examples.push(instance);
  }
  for (const { attribute, decider, relation } of relations) {
    const of = group.relations[attribute][decider];
    of.set(relation, (of.get(relation) ?? 0) + 1);
  }
}
