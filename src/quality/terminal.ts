import {
  figureNames,
  type QualityFigure,
  type QualityGroup,
  type QualityReport,
} from '../contract/quality.js';
import { counted, interval, percent } from '../evaluate/format.js';
import { table } from '../evaluate/terminal.js';
import { dimensionTitles, oneIn, titles, warnings } from './titles.js';

const mostRows = 12;
/** The columns of the short tables by group. */
const columns = [
  ['withoutBodyPart', 'no part'],
  ['withoutView', 'no view'],
  ['wrongBodyPartByPerson', 'part, person'],
  ['wrongBodyPartByNetwork', 'part, network'],
  ['wrongViewByPerson', 'view, person'],
  ['wrongViewByNetwork', 'view, network'],
  ['wrongSide', 'side'],
  ['orderMismatch', 'order'],
  ['undecided', 'undecided'],
] as const;

/** A short form of the report, for a terminal of 120 columns. */
export function qualityText({ all, by, unread, networkScore }: QualityReport): string {
  return [
    `${all.radiographs} radiographs${unread === 0 ? '' : `, ${unread} files that Orthanc could not read`}; the network counts from a score of ${networkScore}`,
    'Percent, with 95 % Wilson intervals',
    table(figureNames.map((name) => [`  ${titles[name]}`, ...cells(all.figures[name])])),
    ...Object.entries(by).flatMap(([dimension, groups]) => [
      `By ${dimensionTitles[dimension as keyof typeof by]} (percent)`,
      groupTable(dimension === 'month' ? groups.slice(-mostRows) : groups.slice(0, mostRows)),
      ...(groups.length > mostRows ? [`  and ${groups.length - mostRows} more`] : []),
    ]),
    warnings.map((warning) => `! ${warning}`).join('\n'),
  ].join('\n\n');
}

const cells = (figure: QualityFigure): string[] => [
  percent(figure.share),
  figure.share === null ? '' : `(${interval(figure)})`,
  counted(figure),
  oneIn(figure) ?? '',
];

const groupTable = (groups: readonly QualityGroup[]): string =>
  table([
    ['  ', 'n', ...columns.map(([, title]) => title)],
    ...groups.map(({ value, radiographs, figures }) => [
      `  ${value}`,
      `${radiographs}`,
      ...columns.map(([name]) => percent(figures[name].share)),
    ]),
  ]);
