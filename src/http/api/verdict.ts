import type { Audit } from '../../access/audit.js';
import type { Caller } from '../../access/caller.js';
import { toldIn } from '../../classify/turn.js';
import { type By, type Shown, shownCategory } from '../../decisions/correction.js';
import type { Recorder } from '../../decisions/recorder.js';
import type { InstanceRecord, NewDecision } from '../../decisions/schema.js';
import { createError } from '../../errors/errors.js';
import type { InstanceId } from '../../orthanc/ids.js';
import type { Queue } from '../../queue/queue.js';

export interface VerdictParts {
  recorder: Recorder;
  /** Runs the follow-ups of the new decision: tags, report, routes. */
  queue: Pick<Queue, 'enqueue'>;
  audit: Audit;
}

export type VerdictAction = 'confirm' | 'correct' | 'orient' | 'acknowledge' | 'undo';

/** What the person saw: `when` of the decision, and the picture. */
export interface Seen {
  of: string;
  picture?: string | undefined;
}

/** @throws decision_changed, picture_replaced where the person saw something else */
export function requireSeen(
  { instance, of, picture }: Seen & { instance: InstanceId },
  current: InstanceRecord,
  shown: Shown,
): void {
  if (current.when !== of) throw createError('decision_changed', {});
  if (picture !== undefined && picture !== shown.picture) throw createError('picture_replaced', { instance });
}

function shownOrientation({ orientation }: InstanceRecord) {
  const told = toldIn(orientation);
  return told && { turned: told.turned, mirrored: told.mirrored };
}

/** Replaces a decision by what a person says, notes who did it, and starts what follows. */
export async function giveVerdict(
  { recorder, queue, audit }: VerdictParts,
  { instance, caller }: { instance: InstanceId; caller: Caller },
  action: VerdictAction,
  next: (current: InstanceRecord, shown: Shown, by: By) => NewDecision,
): Promise<InstanceRecord> {
  const by = { who: caller.who, when: new Date().toISOString() };
  const { record, previous } = await recorder.replace(instance, (current, shown) => next(current, shown, by));
  const answer = action === 'acknowledge' ? record.acknowledged?.answer : undefined;
  const detail = {
    from: previous && shownCategory(previous),
    to: shownCategory(record),
    ...(answer === undefined ? {} : { answer }),
    ...(action === 'orient' ? { orientation: shownOrientation(record) } : {}),
  };
  await audit({ caller, action, target: `instances/${instance}`, detail });
  queue.enqueue(instance, 'request');
  return record;
}
