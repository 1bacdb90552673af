import { otherClass } from '../classify/decide.js';
import type { Network } from '../classify/network.js';
import type { EvaluatedPicture } from './evaluate-pictures.js';
import { trueClass } from './ground-truth.js';

export interface CurvePoint {
  /** Least best score at which a category is given. */
  readonly threshold: number;
  /** Share of the pictures of the categories that are given a category. */
  readonly labelled: number;
  /** Share of the pictures with a given category for which it is right. */
  readonly right: number;
  /** The same without the `other` pictures. */
  readonly rightWithoutOther: number;
}

const maxPoints = 400;

/**
 * Computes the risk–coverage curve over the threshold, the strictest first. Where there are more pictures than
 * points, the points are spread evenly over the pictures.
 */
export function curveOf(
  evaluated: readonly EvaluatedPicture[],
  network: Pick<Network, 'classes'>,
): CurvePoint[] {
  const known = evaluated.filter(({ picture }) => trueClass(network, picture.label) !== otherClass).length;
  const ranked = evaluated
    .filter(({ best }) => best.category !== otherClass)
    .toSorted((a, b) => b.best.score - a.best.score);
  const step = Math.ceil(ranked.length / maxPoints);
  const points: CurvePoint[] = [];
  let [labelled, right, others, since] = [0, 0, 0, 0];
  for (const [i, { picture, best }] of ranked.entries()) {
    since++;
    if (trueClass(network, picture.label) === otherClass) others++;
    else labelled++;
    if (best.category === picture.label) right++;
    const next = ranked[i + 1];
    // Pictures with equal scores belong to one point.
    if (next !== undefined && (next.best.score === best.score || since < step)) continue;
    since = 0;
    if (labelled > 0)
      points.push({
        threshold: best.score,
        labelled: labelled / known,
        right: right / (labelled + others),
        rightWithoutOther: right / labelled,
      });
  }
  return points;
}
