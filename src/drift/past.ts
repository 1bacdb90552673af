import { z } from 'zod';
import { cautiousShare, leastPast, type Observed } from './detector.js';

/** So many of the latest observations are not part of the past yet: they may be the change that is looked for. */
const lag = 200;
/** From so many on, the past is halved: what a station did years ago says little. */
const most = 5000;
/** Scores fall into bins by the binary logarithm of what is missing to 1. */
const bins = 21;
/** Scores count as low, or as high, where at most so few of the past are so low, or so high. */
const lowShares = [0.05, 0.1, 0.35] as const;
const highShares = [0.1, 0.25, 0.5] as const;

export const signalName = z.enum(['unsure', 'unknown', 'scores', 'corrected']);
export type SignalName = z.output<typeof signalName>;

/** What one picture tells: the network's decision, and the bin of its best score. */
export interface Seen {
  unsure: boolean;
  unknown: boolean;
  bin: number;
}

/** In few bytes: two hundred are kept of each group. */
const encode = ({ unsure, unknown, bin }: Seen): number => bin + (unsure ? 32 : 0) + (unknown ? 64 : 0);
const decode = (code: number): Seen => ({
  bin: code & 31,
  unsure: (code & 32) !== 0,
  unknown: (code & 64) !== 0,
});

/** The past of a group of pictures. */
export const past = z.object({
  pictures: z.number().min(0),
  unsure: z.number().min(0),
  unknown: z.number().min(0),
  scores: z.array(z.number().min(0)).length(bins),
  /** Persons' verdicts on categories that the network gave. */
  verdicts: z.number().min(0),
  corrected: z.number().min(0),
  /** Encoded. */
  recent: z.array(z.number().int()),
  recentVerdicts: z.array(z.boolean()),
});
export type Past = z.output<typeof past>;

export const noPast = (): Past => ({
  pictures: 0,
  unsure: 0,
  unknown: 0,
  scores: new Array<number>(bins).fill(0),
  verdicts: 0,
  corrected: 0,
  recent: [],
  recentVerdicts: [],
});

export const binOf = (score: number): number =>
  Math.min(bins - 1, Math.max(0, Math.floor(-Math.log2(Math.max(1 - score, 2 ** -bins)))));

interface Bins {
  from: number;
  /** Not included. */
  to: number;
}

/** As many of the lowest bins, or of the highest, as hold at most this share of the past. */
function tail({ scores, pictures }: Past, most: number, isLow: boolean): Bins {
  let held = 0;
  let count = 0;
  for (; count < bins; count++) {
    held += scores[isLow ? count : bins - 1 - count] ?? 0;
    if (held > pictures * most) break;
  }
  return isLow ? { from: 0, to: count } : { from: bins - count, to: bins };
}

const isIn = (bin: number, of: readonly Bins[]): boolean =>
  of.some(({ from, to }) => bin >= from && bin < to);

/** Sets of bins of which the past holds few. The first is that of unusual scores: low or high. */
function unusual(of: Past): Bins[][] {
  const low = lowShares.map((most) => tail(of, most, true));
  const high = highShares.map((most) => tail(of, most, false));
  return [[tail(of, 0.1, true), tail(of, 0.25, false)], ...[...low, ...high].map((each) => [each])];
}

export interface Signal {
  name: SignalName;
  /** Compared with the cautious shares of the past. */
  observed: Observed[];
}

/** What a picture says of a group, compared with its past. */
export function signalsOf(of: Past, { unsure, unknown, bin }: Seen): Signal[] {
  const { pictures, scores } = of;
  if (pictures < leastPast) return [];
  const held = (all: readonly Bins[]): number =>
    scores.reduce((sum, count, index) => sum + (isIn(index, all) ? count : 0), 0);
  return [
    { name: 'unsure', observed: [{ isYes: unsure, past: cautiousShare(of.unsure, pictures) }] },
    { name: 'unknown', observed: [{ isYes: unknown, past: cautiousShare(of.unknown, pictures) }] },
    {
      name: 'scores',
      observed: unusual(of).map((all) => ({
        isYes: isIn(bin, all),
        past: cautiousShare(held(all), pictures),
      })),
    },
  ];
}

export const verdictSignal = (of: Past, isCorrected: boolean): Signal[] =>
  of.verdicts < leastPast
    ? []
    : [
        {
          name: 'corrected',
          observed: [{ isYes: isCorrected, past: cautiousShare(of.corrected, of.verdicts) }],
        },
      ];

/** Adds a picture. The oldest of the latest ones becomes a part of the past. */
export function addPicture(to: Past, picture: Seen): void {
  to.recent.push(encode(picture));
  if (to.recent.length <= lag) return;
  const settled = decode(to.recent.shift() ?? 0);
  if (to.pictures >= most) {
    to.pictures /= 2;
    to.unsure /= 2;
    to.unknown /= 2;
    to.scores = to.scores.map((count) => count / 2);
  }
  to.pictures++;
  if (settled.unsure) to.unsure++;
  if (settled.unknown) to.unknown++;
  to.scores[settled.bin] = (to.scores[settled.bin] ?? 0) + 1;
}

export function addVerdict(to: Past, isCorrected: boolean): void {
  to.recentVerdicts.push(isCorrected);
  if (to.recentVerdicts.length <= lag) return;
  const settled = to.recentVerdicts.shift();
  if (to.verdicts >= most) {
    to.verdicts /= 2;
    to.corrected /= 2;
  }
  to.verdicts++;
  if (settled === true) to.corrected++;
}

/** The latest pictures, the newest last. */
export const latest = (of: Past, count: number): Seen[] => of.recent.slice(-count).map(decode);
