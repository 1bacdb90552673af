import { z } from 'zod';

/**
 * The sequential test: has the share of yes among yes-or-no observations risen above its past? Of each picture, several such
 * observations can be made; their evidence is averaged. It is a Shiryaev–Roberts
 * e-detector (J. Shin, A. Ramdas, A. Rinaldo, "E-detectors: a nonparametric framework for sequential change detection",
 * New England Journal of Statistics in Data Science 2024;2:229–260): while the share is not above the past one, the mean
 * number of observations before a false alarm is at least `threshold`, whatever the order of the observations.
 */
export const threshold = 500_000;

/** By how much the odds of yes are multiplied in the changes that are looked for. */
const oddsRatios = [2, 4, 16] as const;
/** Past observations of which at least so many must be known. */
export const leastPast = 100;
/** Standard errors by which the past share is taken to be higher than it was seen: it is an estimate. */
const caution = 2;

/** A yes-or-no observation, and the share of yes that is no change, above 0 and below 1. */
export interface Observed {
  isYes: boolean;
  past: number;
}

/** For each observation that is made of a picture, and each odds ratio, the evidence so far. */
export const evidence = z.array(z.number().min(0));
export type Evidence = z.output<typeof evidence>;

/** The upper end of Wilson's interval of a share (E. B. Wilson, JASA 1927;22:209–212), under 1: odds must be finite. */
export function cautiousShare(yes: number, of: number): number {
  const z2 = caution * caution;
  const half = caution * Math.sqrt((yes * (of - yes)) / of + z2 / 4);
  return Math.min((yes + z2 / 2 + half) / (of + z2), 0.99);
}

/** @param all of one picture: together they count as one observation @param before empty at the beginning */
export const observed = (before: Evidence, all: readonly Observed[]): Evidence =>
  all.flatMap(({ isYes, past }, which) =>
    oddsRatios.map((ratio, index) => {
      const odds = (past / (1 - past)) * ratio;
      const changed = odds / (1 + odds);
      const likelihoodRatio = isYes ? changed / past : (1 - changed) / (1 - past);
      const known = before[which * oddsRatios.length + index] ?? 0;
      return (known + 1 / (oddsRatios.length * all.length)) * likelihoodRatio;
    }),
  );

export const isChange = (of: Evidence): boolean => of.reduce((sum, each) => sum + each, 0) >= threshold;

/** @returns which of the observations of a picture gives most evidence */
export const strongest = (of: Evidence): number =>
  Math.floor(of.indexOf(Math.max(...of)) / oddsRatios.length);
