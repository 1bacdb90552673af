import type { CategoryRow, Confusion, Figures, Summary } from '../figures.js';
import { interval, percent } from '../format.js';
import type { Proportion } from '../statistics.js';
import { intervalMark } from './charts.js';
import { type Html, html } from './markup.js';

const withInterval = (value: Proportion): Html =>
  html`<td class="n">${percent(value.share)}</td><td class="ci">${value.share === null ? '' : `(${interval(value)})`}</td>`;

/** One row for each category, as in papers. */
export function categoryTable({ categories, pictures }: Figures): Html {
  const shown = categories.filter(({ n, ppvWithOther }) => n > 0 || ppvWithOther.of > 0);
  const hasOther = pictures.other > 0;
  const from =
    Math.floor(Math.min(...shown.map(({ n, sensitivity }) => (n > 0 ? sensitivity.low : 1)), 0.9) * 10) / 10;
  const row = ({ category, n, sensitivity, specificity, ppv, ppvWithOther }: CategoryRow) =>
    html`<tr><th scope="row">${category}</th><td class="n">${n}</td>${withInterval(sensitivity)}<td>${intervalMark(sensitivity, from)}</td>${withInterval(specificity)}${withInterval(ppv)}${hasOther ? withInterval(ppvWithOther) : undefined}</tr>
`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Table by category"><table class="figures"><caption>By category, nothing held back: percent with 95 % Wilson intervals, among the ${pictures.categories} pictures of the categories${hasOther ? html`; in the last column among all ${pictures.categories + pictures.other}` : undefined}. The marks run from ${Math.round(from * 100)} to 100 %.</caption>
<thead><tr><th scope="col">category</th><th scope="col" class="n">n</th><th scope="col" colspan="3">sensitivity</th><th scope="col" colspan="2">specificity</th><th scope="col" colspan="2">PPV</th>${hasOther ? html`<th scope="col" colspan="2">PPV with <i>other</i></th>` : undefined}</tr></thead>
<tbody>
${shown.map(row)}</tbody></table></div>`;
}

/** Rows are labels, columns are best classes. The shade is the share of the row. */
export function confusionTable({ rows, columns, counts }: Confusion): Html {
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
  const columnTotals = columns.map((_, j) => total(counts.map((row) => row[j] ?? 0)));
  const isShown = (name: string) =>
    total(counts[rows.indexOf(name)] ?? []) > 0 || (columnTotals[columns.indexOf(name)] ?? 0) > 0;
  const shownRows = rows.filter(isShown);
  const shownColumns = columns.filter(isShown);
  const cell = (row: string, column: string) => {
    const line = counts[rows.indexOf(row)] ?? [];
    const n = line[columns.indexOf(column)] ?? 0;
    if (n === 0) return html`<td></td>`;
    // Light enough that the count stays readable.
    const shade = Math.round(8 + 44 * (n / total(line)));
    const kind = row === column ? 'right' : 'wrong';
    return html`<td class="${kind}" style="--shade:${shade}%">${n}</td>`;
  };
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix"><table class="confusion"><caption>Confusion matrix, nothing held back: rows are labels, columns what the network said. The shade is the share of the row; off the diagonal it is another colour.</caption>
<thead><tr><td></td>${shownColumns.map((name) => html`<th scope="col"><span>${name}</span></th>`)}</tr></thead>
<tbody>
${shownRows.map(
  (row) =>
    html`<tr><th scope="row">${row}</th>${shownColumns.map((column) => cell(row, column))}</tr>
`,
)}</tbody></table></div>`;
}

export function groupTable(groups: Figures['groups'], by: string): Html {
  const row = ({ group, ...summary }: Summary & { group: string }) =>
    html`<tr><th scope="row">${group}</th><td class="n">${summary.pictures.categories}</td>${withInterval(summary.accuracy)}<td class="n">${percent(summary.balancedAccuracy)}</td>${withInterval(summary.labelled)}${withInterval(summary.rightOfLabelled)}<td class="n">${summary.pictures.other}</td>${withInterval(summary.otherCaught)}</tr>
`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Table by ${by}"><table class="figures"><caption>By ${by}: percent with 95 % Wilson intervals.</caption>
<thead><tr><th scope="col">${by}</th><th scope="col" class="n">n</th><th scope="col" colspan="2">accuracy</th><th scope="col" class="n">balanced</th><th scope="col" colspan="2">labelled</th><th scope="col" colspan="2">right of the labelled</th><th scope="col" class="n">n <i>other</i></th><th scope="col" colspan="2">caught</th></tr></thead>
<tbody>
${groups.map(row)}</tbody></table></div>`;
}
