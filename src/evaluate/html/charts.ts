import type { Calibration } from '../calibration.js';
import type { CurvePoint } from '../curve.js';
import { percent } from '../format.js';
import { type Proportion, proportion } from '../statistics.js';
import { type Html, html } from './markup.js';

const [width, height] = [520, 360];
const edge = { left: 56, right: 18, top: 18, bottom: 48 };

/** Converts a share to a coordinate of the picture. */
interface Scale {
  readonly x: (share: number) => number;
  readonly y: (share: number) => number;
}

const toCoordinate = (share: number, from: number, begin: number, end: number) =>
  round(begin + ((share - from) / (1 - from)) * (end - begin));
const round = (value: number) => Math.round(value * 10) / 10;

interface Axes {
  readonly title: string;
  readonly description: string;
  readonly x: { readonly name: string; readonly from: number };
  readonly y: { readonly name: string; readonly from: number };
}

/** A chart with two axes of shares, each up to 1, and gridlines. */
function chart({ title, description, x, y }: Axes, draw: (scale: Scale) => Html): Html {
  const scale: Scale = {
    x: (share) => toCoordinate(share, x.from, edge.left, width - edge.right),
    y: (share) => toCoordinate(Math.max(share, y.from), y.from, height - edge.bottom, edge.top),
  };
  const [left, right, top, bottom] = [edge.left, width - edge.right, edge.top, height - edge.bottom];
  return html`<svg viewBox="0 0 ${width} ${height}" role="img" class="chart"><title>${title}</title><desc>${description}</desc>
${ticks(y.from).map(
  (share) =>
    html`<line class="grid" x1="${left}" x2="${right}" y1="${scale.y(share)}" y2="${scale.y(share)}"/><text class="tick" x="${left - 8}" y="${scale.y(share) + 4}" text-anchor="end">${label(share)}</text>`,
)}${ticks(x.from).map(
  (share) =>
    html`<text class="tick" x="${scale.x(share)}" y="${bottom + 18}" text-anchor="middle">${label(share)}</text>`,
)}
<line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>
<text class="name" x="${(left + right) / 2}" y="${height - 8}" text-anchor="middle">${x.name}</text>
<text class="name" transform="translate(14 ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">${y.name}</text>
${draw(scale)}</svg>`;
}

/** At most seven round values, from `from` or just above it to 1. */
function ticks(from: number): number[] {
  const step = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2].find((one) => (1 - from) / one <= 6) ?? 0.2;
  const count = Math.floor((1 - from) / step + 1e-6);
  return Array.from({ length: count + 1 }, (_, i) => 1 - (count - i) * step);
}

const label = (share: number) => `${Number((share * 100).toFixed(1))}`;

export interface OperatingPoint {
  readonly labelled: Proportion;
  readonly right: Proportion;
  readonly text: string;
}

/** The risk–coverage curve: share right of the labelled, by share labelled. */
export function curveChart(
  curve: readonly CurvePoint[],
  hasOther: boolean,
  { labelled, right, text }: OperatingPoint,
): Html {
  // With few pictures the share is noise, and its range would flatten the rest of the curve.
  const drawn = curve.filter((point) => point.labelled >= 0.05);
  const lowest = Math.min(...drawn.map((point) => point.right), right.share ?? 1, 0.99);
  const from = Math.max(0, Math.floor(lowest * 50 - 0.2) / 50);
  const axes = {
    title: 'Risk–coverage curve',
    description: `At the thresholds in use ${percent(labelled.share)} percent of the pictures of the categories are labelled, and ${percent(right.share)} percent of the labelled are right.`,
    x: { name: 'labelled, % of the pictures of the categories', from: 0 },
    y: { name: 'right, % of the labelled', from },
  };
  // The text is on the side of the point that has more room.
  const [side, anchor] = (labelled.share ?? 0) < 0.5 ? [12, 'start'] : [-12, 'end'];
  return chart(axes, ({ x, y }) => {
    const noteX = x(labelled.share ?? 0) + side;
    const path = (shareOf: (point: CurvePoint) => number) =>
      drawn.map((point, i) => `${i === 0 ? 'M' : 'L'}${x(point.labelled)} ${y(shareOf(point))}`).join('');
    return html`${hasOther ? html`<path class="line second" d="${path((point) => point.rightWithoutOther)}"/>` : undefined}
<path class="line" d="${path((point) => point.right)}"/>
${
  labelled.share === null || right.share === null
    ? undefined
    : html`<circle class="here" cx="${x(labelled.share)}" cy="${y(right.share)}" r="6"/><text class="note" x="${noteX}" y="${Math.min(y(right.share) + 30, height - edge.bottom - 24)}" text-anchor="${anchor}">${text}</text>
<text class="note" x="${noteX}" y="${Math.min(y(right.share) + 46, height - edge.bottom - 8)}" text-anchor="${anchor}">${percent(labelled.share)} % labelled, ${percent(right.share)} % right</text>`
}`;
  });
}

/**
 * Reliability diagram: share right by mean score. The area is the number of pictures; whiskers are Wilson's
 * intervals.
 */
export function reliabilityChart({ bins, n, error }: Calibration): Html {
  const axes = {
    title: 'Reliability diagram',
    description: `Expected calibration error ${percent(error)} percent over ${n} pictures in ${bins.length} bins.`,
    x: { name: 'best score, %', from: 0 },
    y: { name: 'right, %', from: 0 },
  };
  return chart(
    axes,
    ({ x, y }) => html`<line class="ideal" x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}"/>
${bins.map((bin) => {
  if (bin.score === null || bin.right === null) return undefined;
  const { low, high } = proportion(Math.round(bin.right * bin.n), bin.n);
  const radius = round(3 + 11 * Math.sqrt(bin.n / n));
  return html`<line class="whisker" x1="${x(bin.score)}" x2="${x(bin.score)}" y1="${y(low)}" y2="${y(high)}"/><circle class="dot" cx="${x(bin.score)}" cy="${y(bin.right)}" r="${radius}"><title>${percent(bin.from)}–${percent(bin.to)} %: ${bin.n} pictures, mean score ${percent(bin.score)} %, right ${percent(bin.right)} %</title></circle>`;
})}`,
  );
}

/** A proportion and its interval as a small line. @param from least value of the scale, which ends at 1 */
export function intervalMark({ share, low, high }: Proportion, from: number): Html {
  const [wide, tall] = [120, 14];
  const x = (value: number) => toCoordinate(Math.max(value, from), from, 4, wide - 4);
  if (share === null) return html``;
  return html`<svg viewBox="0 0 ${wide} ${tall}" width="${wide}" height="${tall}" aria-hidden="true" class="mark"><line class="grid" x1="4" x2="${wide - 4}" y1="7" y2="7"/><line class="whisker" x1="${x(low)}" x2="${x(high)}" y1="7" y2="7"/><circle class="dot" cx="${x(share)}" cy="7" r="3.5"/></svg>`;
}
