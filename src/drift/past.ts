import { z } from 'zod';
import { cautiousShare, leastPast } from './detector.js';

/** So many of the latest observations are not part of the past yet: they may be the change that is looked for. */
const lag = 200;
/** From so many on, the past is halved: what a station did years ago says little. */
const most = 5000;
/** Scores fall into bins by the binary logarithm of what is missing to 1. */
const bins = 21;
/** A score counts as low where about so few of the past are as low. */
const lowShare = 0.1;

export const signalName = z.enum(['unsure', 'unknown', 'low_score', 'corrected']);
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

/** Scores in lower bins count as low. */
function lowBin({ scores, pictures }: Past): number {
  let below = 0;
  for (let bin = 0; bin < bins; bin++) {
    below += scores[bin] ?? 0;
    if (below > pictures * lowShare) return bin;
  }
  return bins - 1;
}

export interface Signal {
  name: SignalName;
  isYes: boolean;
  /** The cautious share of the past; undefined while the past is too short. */
  past: number | undefined;
}

const share = (yes: number, of: number): number | undefined =>
  of < leastPast ? undefined : cautiousShare(yes, of);

/** What a picture says of a group, compared with its past. */
export function signalsOf(of: Past, { unsure, unknown, bin }: Seen): Signal[] {
  const low = lowBin(of);
  const lowPast = of.scores.slice(0, low).reduce((sum, count) => sum + count, 0);
  return [
    { name: 'unsure', isYes: unsure, past: share(of.unsure, of.pictures) },
    { name: 'unknown', isYes: unknown, past: share(of.unknown, of.pictures) },
    { name: 'low_score', isYes: bin < low, past: share(lowPast, of.pictures) },
  ];
}

export const verdictSignal = (of: Past, isCorrected: boolean): Signal => ({
  name: 'corrected',
  isYes: isCorrected,
  past: share(of.corrected, of.verdicts),
});

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
