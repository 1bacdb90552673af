import type { Classified } from './interface.js';
import type { Network } from './network.js';
import { networkReasons, type Reasoned, reasonsIn } from './reasons.js';

/** Name of the class for pictures of none of the categories. */
export const otherClass = 'other';

export interface ScoredCategory {
  category: string;
  /** Softmax, 0 … 1. It is not a probability. */
  score: number;
}

export interface Decision extends Reasoned {
  decision: 'category' | 'needs_review' | 'unknown_view';
  /** Only where the decision is `category`. */
  category?: string;
  /** The best classes, best first; `other` can be among them. */
  top: ScoredCategory[];
}

/**
 * Makes a decision of the scores.
 * - The best class is `other`: `unknown_view` from the threshold on, else `needs_review`.
 * - The best score is under `unknownBelow`: `unknown_view`, because nothing was recognised.
 * - It is under the threshold, or the second best is closer than the margin: `needs_review`.
 * - Else: the best category.
 * @param scores one for each of the network's classes, in their order
 * @param count length of `top`
 */
export function decide(
  scores: Float32Array,
  { classes, thresholds }: Pick<Network, 'classes' | 'thresholds'>,
  count = 5,
): Decision {
  const { threshold, margin, unknownBelow } = thresholds;
  // A cascade has more classes than its first network has scores.
  const ranked = Array.from(scores, (score, i) => ({ category: classes[i] ?? otherClass, score })).sort(
    (a, b) => b.score - a.score,
  );
  const [best, second] = ranked;
  const top = ranked.slice(0, count);
  if (!best) return { decision: 'unknown_view', ...reasonOf('no_categories', {}), top };
  const { category } = best;
  const shown = { category, score: rounded(best.score) };

  if (category === otherClass)
    return best.score >= threshold
      ? { decision: 'unknown_view', ...reasonOf('none_of_them', shown), top }
      : { decision: 'needs_review', ...reasonOf('perhaps_none', shown), top };
  if (best.score < unknownBelow)
    return {
      decision: 'unknown_view',
      ...reasonOf('not_recognised', { ...shown, limit: unknownBelow }),
      top,
    };
  if (best.score < threshold)
    return { decision: 'needs_review', ...reasonOf('under_threshold', { ...shown, limit: threshold }), top };
  if (second && best.score - second.score < margin) {
    const close = { second: second.category, secondScore: rounded(second.score), limit: margin };
    return { decision: 'needs_review', ...reasonOf('too_close', { ...shown, ...close }), top };
  }
  return { decision: 'category', category, ...reasonOf('best', shown), top };
}

const reasonOf = reasonsIn(networkReasons);
const rounded = (score: number): number => Number(score.toFixed(3));

/** As records have it: where it is not float32. */
export const precisionOf = ({ precision }: Pick<Network, 'precision'>): Pick<Network, 'precision'> =>
  precision === undefined ? {} : { precision };

/** Which network said what. */
export interface NetworkAnswer {
  network: Pick<Network, 'name' | 'sha256' | 'precision'>;
  top: ScoredCategory[];
}

/** Of a cascade: what each network said that looked, in their order. Undefined where there is one network. */
export function answersOf(
  { scores, cascade }: Pick<Classified, 'scores' | 'cascade'>,
  count?: number,
): NetworkAnswer[] | undefined {
  if (cascade === undefined) return undefined;
  const looks = [{ network: cascade.first, scores }, ...(cascade.next === undefined ? [] : [cascade.next])];
  return looks.map(({ network, scores }) => ({
    network: { name: network.name, sha256: network.sha256, ...precisionOf(network) },
    top: decide(scores, network, count).top,
  }));
}

/**
 * What a network makes of a picture; of a cascade, what the network makes of it that looked last. Each network has its own
 * thresholds.
 */
export function decideOn(
  { scores, network, cascade }: Pick<Classified, 'scores' | 'network' | 'cascade'>,
  count?: number,
): Decision {
  const first = decide(scores, network, count);
  if (cascade?.next === undefined) return first;
  const { network: second, scores: seen } = cascade.next;
  const decision = decide(seen, second, count);
  return {
    ...decision,
    reason: `${first.reason}; then ${second.name}: ${decision.reason}`,
    because: [
      ...first.because,
      { code: 'second_network', params: { network: second.name } },
      ...decision.because,
    ],
  };
}
