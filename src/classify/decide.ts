import type { Network } from './network.js';

/** The class of a network that means: none of the categories. */
export const otherClass = 'other';

export interface ScoredCategory {
  category: string;
  /** Softmax, 0 … 1; no probability. */
  score: number;
}

export interface Decision {
  decision: 'category' | 'needs_review' | 'unknown_view';
  /** Only where the decision is `category`. */
  category?: string;
  /** Why, for a person to read. */
  reason: string;
  /** Best first, `other` among them where it scores. */
  top: ScoredCategory[];
}

/**
 * What the scores amount to.
 * - The best class is `other`: an unknown view from the threshold on, else a person should look.
 * - The best score is under `unknownBelow`: an unknown view, as nothing in it was recognised.
 * - It is under the threshold, or the second is too close: a person should look.
 * @param scores one for each of the network's classes
 * @param count how many of the best are listed
 */
export function decide(
  scores: Float32Array,
  { classes, thresholds }: Pick<Network, 'classes' | 'thresholds'>,
  count = 5,
): Decision {
  const { threshold, margin, unknownBelow } = thresholds;
  const ranked = classes
    .map((category, i) => ({ category, score: scores[i] ?? 0 }))
    .sort((a, b) => b.score - a.score);
  const [best, second] = ranked;
  const top = ranked.slice(0, count);
  if (!best) return { decision: 'unknown_view', reason: 'the network knows no categories', top };
  const said = `${best.category} at ${best.score.toFixed(3)}`;

  if (best.category === otherClass) {
    const isSure = best.score >= threshold;
    return {
      decision: isSure ? 'unknown_view' : 'needs_review',
      reason: isSure ? `none of the categories: ${said}` : `perhaps none of the categories: ${said}`,
      top,
    };
  }
  if (best.score < unknownBelow)
    return {
      decision: 'unknown_view',
      reason: `nothing recognised: best is ${said}, under ${unknownBelow}`,
      top,
    };
  if (best.score < threshold)
    return { decision: 'needs_review', reason: `best is ${said}, under the threshold ${threshold}`, top };
  if (second && best.score - second.score < margin)
    return {
      decision: 'needs_review',
      reason: `${said} and ${second.category} at ${second.score.toFixed(3)} are closer than ${margin}`,
      top,
    };
  return { decision: 'category', category: best.category, reason: said, top };
}
