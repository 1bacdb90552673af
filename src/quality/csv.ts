import { figureNames, type QualityGroup, type QualityReport, relations } from '../contract/quality.js';
import { csvLine } from '../files/csv.js';

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const attributes = ['bodyPart', 'view'] as const;
const deciders = ['person', 'network'] as const;

const head = csvLine([
  'by',
  'value',
  'radiographs',
  ...figureNames.flatMap((name) =>
    ['count', 'of', 'share', 'low', 'high'].map((part) => `${snake(name)}_${part}`),
  ),
  ...attributes.flatMap((attribute) =>
    deciders.flatMap((decider) => relations.map((relation) => `${snake(attribute)}_${decider}_${relation}`)),
  ),
]);

const line = (by: string, group: QualityGroup): string =>
  csvLine([
    by,
    group.value,
    group.radiographs,
    ...figureNames.flatMap((name) => {
      const { count, of, share, low, high } = group.figures[name];
      return [count, of, share === null ? undefined : rounded(share), rounded(low), rounded(high)];
    }),
    ...attributes.flatMap((attribute) =>
      deciders.flatMap((decider) => relations.map((relation) => group[attribute][decider][relation])),
    ),
  ]);

const rounded = (share: number): number => Number(share.toFixed(6));

/** The figures as CSV: one line for the whole archive, and one for each group. @param report undefined: the header alone */
export const csvOf = (report: QualityReport | undefined): string =>
  `${[
    head,
    ...(report === undefined ? [] : [line('all', report.all)]),
    ...Object.entries(report?.by ?? {}).flatMap(([dimension, groups]) =>
      groups.map((group) => line(dimension, group)),
    ),
  ].join('\n')}\n`;
