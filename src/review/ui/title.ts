import type { Entry } from '../api/schema.js';
import { spoken } from './format.js';

/** What a picture is taken for, in words; with a question mark where nobody has decided. */
export function titleOf({ category, decision, top }: Entry): string {
  if (category !== undefined) return spoken(category);
  if (decision === 'failed') return 'Could not be classified';
  if (decision === 'unknown_view') return 'None of the categories';
  return top[0] === undefined ? 'Undecided' : `${spoken(top[0].category)}?`;
}
