import type { FigureName, QualityGroup } from '../../contract/quality.js';
import { counted, interval, percent } from '../../evaluate/format.js';
import { type Html, html } from '../../evaluate/html/markup.js';

const width = 460;
const [rowHeight, left, right, top, bottom] = [20, 150, 16, 6, 26];
const longestName = 22;

const round = (value: number) => Math.round(value * 10) / 10;

/** The least round end of the axis that holds a share. */
const endOf = (share: number): number =>
  [0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1].find((end) => share <= end) ?? 1;

/** Shares of groups with their 95 % intervals, one row for each group. */
export function sharesChart(title: string, name: FigureName, groups: readonly QualityGroup[]): Html {
  const rows = groups.filter(({ figures }) => figures[name].of > 0);
  const height = top + rows.length * rowHeight + bottom;
  const end = endOf(Math.max(...rows.map(({ figures }) => figures[name].high)));
  const x = (share: number) => round(left + (Math.min(share, end) / end) * (width - left - right));
  const axis = height - bottom;
  return html`<figure><figcaption>${title}, %</figcaption><svg viewBox="0 0 ${width} ${height}" role="img" class="chart"><title>${title}</title>
${[0, 0.5, 1].map(
  (part) =>
    html`<line class="grid" x1="${x(part * end)}" x2="${x(part * end)}" y1="${top}" y2="${axis}"/><text class="tick" x="${x(part * end)}" y="${axis + 16}" text-anchor="middle">${Number((part * end * 100).toFixed(1))}</text>`,
)}
${rows.map(({ value, figures }, index) => {
  const figure = figures[name];
  const y = top + index * rowHeight + rowHeight / 2;
  const short = value.length > longestName ? `${value.slice(0, longestName - 1)}…` : value;
  return html`<g><title>${value}: ${percent(figure.share)} % (${interval(figure)}), ${counted(figure)}</title><text class="tick" x="${left - 8}" y="${y + 4}" text-anchor="end">${short}</text><line class="whisker" x1="${x(figure.low)}" x2="${x(figure.high)}" y1="${y}" y2="${y}"/><circle class="dot" cx="${x(figure.share ?? 0)}" cy="${y}" r="4"/></g>
`;
})}</svg></figure>`;
}
