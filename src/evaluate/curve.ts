import { otherClass } from '../classify/decide.js';
import type { Network } from '../classify/network.js';
import type { EvaluatedPicture } from './evaluate-pictures.js';
import { trueClass } from './ground-truth.js';

export interface CurvePoint {
  /** A category is given from this best score on. */
  readonly threshold: number;
  /** Of the pictures of the categories, the share that is given one. */
  readonly labelled: number;
  /** Of all pictures that are given a category, the share for which it is right. */
  readonly right: number;
  /** The same without the `other` pictures. */
  readonly rightWithoutOther: number;
}

const mostPoints = 400;

/**
 * The risk–coverage curve over the threshold alone, from the strictest on. Where there are more pictures than points,
 * points are spread evenly over the pictures.
 */
export function curveOf(seen: readonly EvaluatedPicture[], network: Pick<Network, 'classes'>): CurvePoint[] {
  const known = seen.filter(({ picture }) => trueClass(network, picture.label) !== otherClass).length;
  const ranked = seen
    .filter(({ best }) => best.category !== otherClass)
    .toSorted((a, b) => b.best.score - a.best.score);
  const step = Math.ceil(ranked.length / mostPoints);
  const points: CurvePoint[] = [];
  let [labelled, right, others, since] = [0, 0, 0, 0];
  for (const [i, { picture, best }] of ranked.entries()) {
    since++;
    if (trueClass(network, picture.label) === otherClass) others++;
    else labelled++;
    if (best.category === picture.label) right++;
    const next = ranked[i + 1];
    // Equal scores pass a threshold together.
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
