import type { Network } from '../classify/network.js';
import type { EvaluatedPicture } from './evaluate-pictures.js';
import { trueClass } from './ground-truth.js';
import { groupBy, mean } from './statistics.js';

export interface CalibrationBin {
  /** Best scores from here … */
  readonly from: number;
  /** … to below here; the last bin holds 1 too. */
  readonly to: number;
  readonly n: number;
  /** Mean best score; null where the bin is empty. */
  readonly score: number | null;
  /** Share of right best classes; null where the bin is empty. */
  readonly right: number | null;
}

export interface Calibration {
  /**
   * Number of pictures. A network without a class `other` cannot be right on `other` pictures, so these are left out.
   */
  readonly n: number;
  /**
   * Expected calibration error (C. Guo et al., ICML 2017): mean distance between score and share right, weighted by n.
   * Null without pictures.
   */
  readonly error: number | null;
  /** Bins of equal width. */
  readonly bins: readonly CalibrationBin[];
}

const binCount = 15;

/** Computes how well the best score agrees with how often the best class is right. */
export function calibrationOf(
  evaluated: readonly EvaluatedPicture[],
  network: Pick<Network, 'classes'>,
): Calibration {
  const results = evaluated
    .map(({ picture, best }) => ({ ...best, truth: trueClass(network, picture.label) }))
    .filter(({ truth }) => network.classes.includes(truth))
    .map(({ category, score, truth }) => ({ score, right: category === truth ? 1 : 0 }));
  const byBin = groupBy(results, ({ score }) => Math.min(Math.floor(score * binCount), binCount - 1));
  const bins = Array.from({ length: binCount }, (_, i) => {
    const members = byBin.get(i) ?? [];
    return {
      from: i / binCount,
      to: (i + 1) / binCount,
      n: members.length,
      score: mean(members.map(({ score }) => score)),
      right: mean(members.map(({ right }) => right)),
    };
  });
  const distances = bins.map(({ n, score, right }) => n * Math.abs((score ?? 0) - (right ?? 0)));
  const total = distances.reduce((sum, distance) => sum + distance, 0);
  return { n: results.length, error: results.length === 0 ? null : total / results.length, bins };
}
