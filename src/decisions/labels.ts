import { isMirrored, turnOf } from '../classify/turn.js';
import { createError } from '../errors/errors.js';
import { label } from '../orthanc/ids.js';
import { isSettledByPerson, type Judged, openStatesOf } from './open-states.js';
import type { InstanceRecord } from './schema.js';
import { stateLabels } from './state-labels.js';

/** What `unfitLabels` asks of a name. */
export const labelRule = `with PLAINVIEW_LABEL_PREFIX at most 64 letters, digits, _ and -, and none of ${Object.values(stateLabels).join(', ')}`;

/** Names of categories that could not be a label, or would be taken for a state. */
export function unfitLabels(categories: readonly string[], prefix: string): string[] {
  const states: readonly string[] = Object.values(stateLabels);
  return categories.filter((name) => !label.safeParse(prefix + name).success || states.includes(name));
}

/**
 * @param option the variable whose file has the names
 * @throws config_invalid where a name of a category could not be a label, or would be taken for a state
 */
export function requireLabels(option: string, categories: readonly string[], prefix: string): void {
  const unfit = unfitLabels(categories, prefix);
  if (unfit.length > 0)
    throw createError('config_invalid', {
      problems: [
        `${option}: ${unfit.map((name) => `"${name}"`).join(', ')} cannot be a label in Orthanc: ${labelRule}`,
      ],
    });
}

type Labelled = Pick<InstanceRecord, 'decision' | 'category' | 'orientation'> & Judged;

/** What a site wants labels for. */
export interface Labelling {
  /** Turned and mirrored pictures: `not_upright`. */
  labelsTurned?: boolean | undefined;
}

/** The labels that a decision asks for, without a site's prefix. */
export function labelsOf(record: Labelled, { labelsTurned }: Labelling = {}): string[] {
  const { decision, category, orientation } = record;
  return [
    ...(decision === 'category' && category !== undefined ? [category] : []),
    ...openStatesOf(record),
    ...(isSettledByPerson(record) ? [stateLabels.settled] : []),
    ...(labelsTurned && (turnOf(orientation) !== 0 || isMirrored(orientation))
      ? [stateLabels.notUpright]
      : []),
  ];
}

/** As the site wants them. */
export const prefixed = (prefix: string, labels: readonly string[]): string[] =>
  labels.map((label) => prefix + label);

export interface LabelPlan {
  add: string[];
  remove: string[];
  /** What Plainview will have put there in the end. */
  owned: string[];
  /** Ours, no longer wanted, and not there: another service may be about to put it there. */
  pending: string[];
}

/**
 * What to do to a resource's labels. A label that somebody else put there is never owned, so never removed –
 * not even where Plainview would have put the same.
 */
export function planLabels(
  current: readonly string[],
  ours: readonly string[],
  wanted: readonly string[],
): LabelPlan {
  const add = wanted.filter((label) => !current.includes(label));
  const kept = ours.filter((label) => wanted.includes(label));
  return {
    add,
    remove: ours.filter((label) => !wanted.includes(label) && current.includes(label)),
    owned: [...new Set([...kept, ...add])].sort(),
    pending: ours.filter((label) => !wanted.includes(label) && !current.includes(label)),
  };
}

/** The same some time after the last write: whoever was about to add a label has ended. */
export const planAllLabels: typeof planLabels = (...resource) => ({
  ...planLabels(...resource),
  pending: [],
});
