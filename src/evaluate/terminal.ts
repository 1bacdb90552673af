import { otherClass } from '../classify/decide.js';
import type { Comparison, Paired } from './comparison.js';
import type { CategoryRow, Summary } from './figures.js';
import { counted, differenceText, interval, namesOf, percent, pText, thresholdsText } from './format.js';
import { mistakesOf } from './mistakes.js';
import type { Evaluation, Report } from './report.js';
import type { Proportion } from './statistics.js';

/** A short form of the report, for a terminal of 120 columns. */
export function terminalText({ data, evaluations, comparison }: Report): string {
  const names = namesOf(evaluations.map(({ network }) => network));
  return [
    table([
      ['data', data.name],
      ['pictures', picturesText(data)],
    ]),
    ...evaluations.map((evaluation, i) => evaluationText(evaluation, names[i] ?? '')),
    ...(comparison === undefined ? [] : [comparisonText(comparison, names)]),
    notes(data.warnings),
  ].join('\n\n');
}

const picturesText = ({ pictures, patients, unread }: Report['data']): string =>
  `${pictures}${patients === undefined ? '' : ` of ${patients} patients`}, ${unread.length} of them unreadable`;

function evaluationText({ network, figures, warnings }: Evaluation, name: string): string {
  const { pictures, accuracy, forcedChoice, labelled, rightOfLabelled, otherCaught, calibration } = figures;
  const withCategories = figures.categories.filter(({ n }) => n > 0);
  const mistakes = mistakesOf(figures.confusion).slice(0, 8);
  return [
    table([
      ['network', `${name}, SHA-256 ${network.sha256}`],
      ['pictures', `${pictures.categories} of its categories, ${pictures.other} of none of them`],
    ]),
    'Nothing held back (percent, 95 % Wilson intervals)',
    table([
      ['  accuracy', ...share(accuracy)],
      [
        '  balanced accuracy',
        percent(figures.balancedAccuracy),
        '',
        `mean of ${withCategories.length} sensitivities`,
      ],
      ...(figures.confusion.columns.includes(otherClass)
        ? [
            ['  accuracy, forced choice', ...share(forcedChoice.accuracy), `${otherClass} is no answer`],
            ['  balanced, forced choice', percent(forcedChoice.balancedAccuracy)],
          ]
        : []),
      [
        '  calibration error',
        percent(calibration.error),
        '',
        `${calibration.bins.length} bins, ${calibration.n} pictures`,
      ],
    ]),
    `At ${thresholdsText(network.thresholds)}`,
    table([
      ['  labelled', ...share(labelled), 'of the categories'],
      ['  right of the labelled', ...share(rightOfLabelled), 'none-of-them that got a label is wrong'],
      ['  none-of-them caught', ...share(otherCaught), 'got no category'],
    ]),
    'By category (nothing held back, pictures of the categories alone)',
    table([
      ['  category', 'n', 'sensitivity', '', 'specificity', '', 'PPV', ''],
      ...withCategories.map(categoryCells),
    ]),
    ...(figures.groups.length === 0
      ? []
      : [
          'By group',
          table([
            ['  group', 'n', 'accuracy', '', 'balanced', 'labelled', 'right', 'none-of-them', 'caught'],
            ...figures.groups.map(groupCells),
          ]),
        ]),
    ...(mistakes.length === 0
      ? []
      : [
          'Taken for another most often',
          table(mistakes.map(({ label, predicted, n }) => [`  ${n}`, `${label} → ${predicted}`])),
        ]),
    notes(warnings),
  ].join('\n');
}

export function comparisonText(comparison: Comparison, [first = '', second = '']: readonly string[]): string {
  const line = (name: string, { n, ...paired }: Paired) => [
    `  ${name}`,
    String(n),
    percent(paired.first.share),
    percent(paired.second.share),
    differenceText(paired.difference),
    String(paired.onlyFirst),
    String(paired.onlySecond),
    pText(paired.mcnemar.exact),
    pText(paired.mcnemar.midP),
  ];
  const { categories, notCompared } = comparison;
  const apart = categories.filter(({ onlyFirst, onlySecond }) => onlyFirst !== onlySecond);
  return [
    `Compared on the same pictures: A = ${first}, B = ${second} (percent; difference with 95 % interval; p by McNemar's test, exact binomial)`,
    table([
      ['  right', 'n', 'A', 'B', 'B − A', 'only A', 'only B', 'p (exact)', 'mid-p'],
      line('nothing held back', comparison.best),
      line('forced choice', comparison.forcedChoice),
      line('given the right category', comparison.given),
      line('none-of-them caught', comparison.otherCaught),
      ...apart.map((row) => line(row.category, row)),
    ]),
    ...(notCompared === 0
      ? []
      : [`! ${notCompared} pictures of categories that only one of them has were not compared.`]),
  ].join('\n');
}

const share = (value: Proportion): string[] => [percent(value.share), interval(value), counted(value)];

const categoryCells = ({ category, n, sensitivity, specificity, ppv }: CategoryRow): string[] => [
  `  ${category}`,
  String(n),
  ...[sensitivity, specificity, ppv].flatMap((value) => [percent(value.share), interval(value)]),
];

const groupCells = ({ group, ...summary }: Summary & { group: string }): string[] => [
  `  ${group}`,
  String(summary.pictures.categories),
  percent(summary.accuracy.share),
  interval(summary.accuracy),
  percent(summary.balancedAccuracy),
  percent(summary.labelled.share),
  percent(summary.rightOfLabelled.share),
  String(summary.pictures.other),
  percent(summary.otherCaught.share),
];

const notes = (warnings: readonly string[]): string => warnings.map((warning) => `! ${warning}`).join('\n');

/** Aligns cells in columns: numbers to the right, text to the left. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, i) =>
          /^[\d.–]+$/.test(cell) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
