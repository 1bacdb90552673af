import { shownCategory } from '../decisions/correction.js';
import type { Recorded } from '../decisions/record-writer.js';
import type { InstanceRecord } from '../decisions/schema.js';
import { noCategory } from './daily-counts.js';

export type Verdict = 'confirmed' | 'corrected';

/**
 * What a person's answer says of the network's. A network that says "none of mine" of a view that it does not know is right.
 * @param isOfNone whether the network lacks what the person named
 */
export const verdictBetween = (shown: string, answer: string, isOfNone: boolean): Verdict =>
  answer === shown || (shown === noCategory && isOfNone) ? 'confirmed' : 'corrected';

/**
 * @param previous the decision that it replaced
 * @returns undefined where no person has decided anew what the picture shows
 */
export function verdictOf(
  { record: { who, before, ...record }, previous }: Pick<Recorded, 'record' | 'previous'>,
  classes: readonly string[],
): { decision: InstanceRecord['decision']; verdict: Verdict } | undefined {
  if (who !== 'person' || before === undefined) return undefined;
  if (previous?.person?.when === record.person?.when) return undefined;
  const { decision } = before;
  if (decision === 'failed') return { decision, verdict: 'corrected' };
  const answer = shownCategory(record) ?? noCategory;
  const shown = shownCategory(before) ?? noCategory;
  return { decision, verdict: verdictBetween(shown, answer, !classes.includes(answer)) };
}
