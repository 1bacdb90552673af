import type { Entry } from '../api/schema.js';
import { texts } from '../texts/index.js';

/** The name of the picture; with a question mark where it is only the network's best guess. */
export function titleOf({ category, decision, top }: Entry): string {
  if (category !== undefined) return texts.categoryName(category);
  if (decision === 'failed') return texts.titleFailed;
  if (decision === 'unknown_view') return texts.titleUnknownView;
  return top[0] === undefined ? texts.titleUndecided : texts.titleUnsure(top[0].category);
}
