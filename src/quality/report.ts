import {
  type Dimension,
  figureNames,
  type QualityGroup,
  type QualityReport,
  relations,
} from '../contract/quality.js';
import { proportion } from '../evaluate/statistics.js';
import { further, type Group, none, type Tally } from './tally.js';

/** What a report was made of. */
export interface Circumstances {
  when: Date;
  plainview: string;
  from?: string | undefined;
  to?: string | undefined;
  networkScore: number;
}

export function reportOf(tally: Tally, { when, ...circumstances }: Circumstances): QualityReport {
  return {
    when: when.toISOString(),
    ...circumstances,
    unread: tally.unread,
    all: groupOf('all', tally.all),
    by: Object.fromEntries(
      [...tally.by].map(([dimension, groups]) => [
        dimension,
        [...groups].map(([value, group]) => groupOf(value, group)).sort(orderOf(dimension)),
      ]),
    ),
  };
}

const groupOf = (value: string, { radiographs, figures, relations: found }: Group): QualityGroup => ({
  value,
  radiographs,
  figures: Object.fromEntries(
    figureNames.map((name) => {
      const { count, of, examples } = figures[name];
      return [name, { ...proportion(count, of), examples }];
    }),
  ) as QualityGroup['figures'],
  bodyPart: countsOf(found.bodyPart),
  view: countsOf(found.view),
});

const countsOf = ({ person, network }: Group['relations']['view']): QualityGroup['view'] => {
  const counts = (of: typeof person) =>
    Object.fromEntries(relations.map((relation) => [relation, of.get(relation) ?? 0])) as Record<
      (typeof relations)[number],
      number
    >;
  return { person: counts(person), network: counts(network) };
};

const isRest = ({ value }: QualityGroup): number => Number(value === none || value === further);

const orderOf =
  (dimension: Dimension) =>
  (a: QualityGroup, b: QualityGroup): number =>
    isRest(a) - isRest(b) ||
    (dimension === 'month' ? 0 : b.radiographs - a.radiographs) ||
    (a.value < b.value ? -1 : 1);
