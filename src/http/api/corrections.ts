import { z } from 'zod';
import type { Audit } from '../../access/audit.js';
import type { Caller } from '../../access/caller.js';
import { category } from '../../contract/named.js';
import { entry } from '../../contract/review.js';
import { type By, confirmed, corrected, shownCategory, undone } from '../../decisions/correction.js';
import type { CategoryLabels } from '../../decisions/proposals.js';
import type { Recorder } from '../../decisions/recorder.js';
import type { InstanceRecord, NewDecision } from '../../decisions/schema.js';
import { createError } from '../../errors/errors.js';
import { type InstanceId, instanceId } from '../../orthanc/ids.js';
import type { Queue } from '../../queue/queue.js';
import type { Entries } from '../../worklist/entries.js';
import { type Operation, operation } from './operation.js';

interface Parts {
  recorder: Recorder;
  entries: Entries;
  /** Runs the follow-ups of the new decision: tags, report, routes. */
  queue: Queue;
  /** The categories that a person may choose: they change with the network. */
  names: Pick<CategoryLabels, 'categories'>;
  audit: Audit;
}

const instanceParams = z.strictObject({ instance: instanceId });
/** Clients whose language has a type for times write the same time in a form of their own. */
const of = z.iso
  .datetime({ offset: true })
  .transform((time) => new Date(time).toISOString())
  .describe('`when` of the decision that the person saw.');
const picture = z
  .string()
  .max(64)
  .optional()
  .describe('`picture` that the person saw: refused where another one has replaced it.');

/** A person's verdict on a decision: correct, confirm, undo. */
export function correctionOperations({ recorder, entries, queue, names, audit }: Parts): Operation[] {
  const decide = async (
    {
      instance,
      seen,
      caller,
    }: { instance: InstanceId; seen: { of: string; picture?: string | undefined }; caller: Caller },
    action: 'confirm' | 'correct' | 'undo',
    next: (current: InstanceRecord, by: By) => NewDecision,
  ) => {
    const by = { who: caller.who, when: new Date().toISOString() };
    const { record, previous } = await recorder.replace(instance, (current, shown) => {
      if (current.when !== seen.of) throw createError('decision_changed', {});
      if (seen.picture !== undefined && seen.picture !== shown)
        throw createError('picture_replaced', { instance });
      return next(current, by);
    });
    const detail = { from: previous && shownCategory(previous), to: shownCategory(record) };
    await audit({ caller, action, target: `instances/${instance}`, detail });
    queue.enqueue(instance, 'request');
    return entries.one(instance);
  };
  return [
    operation({
      id: 'correct',
      tag: 'decisions',
      method: 'put',
      path: '/api/v1/instances/{instance}/decision',
      summary:
        "Replaces the decision by a person's; it stays until it is undone, or until a reclassification includes corrected instances",
      role: 'reviewer',
      params: instanceParams,
      body: z.strictObject({
        category: category
          .nullable()
          .describe('One that the operation `categories` lists; null: none of the categories.'),
        of,
        picture,
      }),
      answer: entry,
      handle: ({ params, body, caller }) => {
        if (body.category !== null && !names.categories.includes(body.category))
          throw createError('category_unknown', {});
        return decide({ ...params, seen: body, caller }, 'correct', (current, by) =>
          corrected(current, body.category, by),
        );
      },
    }),
    operation({
      id: 'confirm',
      tag: 'decisions',
      method: 'post',
      path: '/api/v1/instances/{instance}/confirmation',
      summary: 'A person confirms the shown category: that of the decision, or the best one',
      role: 'reviewer',
      params: instanceParams,
      body: z.strictObject({ of, picture }),
      answer: entry,
      handle: ({ params, body, caller }) => decide({ ...params, seen: body, caller }, 'confirm', confirmed),
    }),
    operation({
      id: 'undo',
      tag: 'decisions',
      // Not DELETE: `of` would be in its query, and Orthanc does not pass the query of a DELETE to plugins.
      method: 'post',
      path: '/api/v1/instances/{instance}/undo',
      summary: "Restores the network's decision",
      role: 'reviewer',
      params: instanceParams,
      body: z.strictObject({ of }),
      answer: entry,
      handle: ({ params, body, caller }) => decide({ ...params, seen: body, caller }, 'undo', undone),
    }),
  ];
}
