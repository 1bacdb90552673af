import { z } from 'zod';
import type { Caller } from '../../access/caller.js';
import { quarterTurn } from '../../classify/orientation.js';
import { category } from '../../contract/named.js';
import { entry } from '../../contract/review.js';
import {
  acknowledged,
  type By,
  confirmed,
  corrected,
  oriented,
  settling,
  undone,
} from '../../decisions/correction.js';
import type { CategoryLabels } from '../../decisions/proposals.js';
import { type InstanceRecord, mismatchAnswer, type NewDecision } from '../../decisions/schema.js';
import { createError } from '../../errors/errors.js';
import type { Metrics } from '../../metrics/metrics.js';
import { type InstanceId, instanceId } from '../../orthanc/ids.js';
import type { Entries } from '../../worklist/entries.js';
import { type Operation, operation } from './operation.js';
import { giveVerdict, requireSeen, type Seen, type VerdictAction, type VerdictParts } from './verdict.js';

interface Parts extends VerdictParts {
  entries: Entries;
  /** The categories that a person may choose: they change with the network. */
  names: Pick<CategoryLabels, 'categories'>;
  metrics: Metrics;
}

const instanceParams = z.strictObject({ instance: instanceId });
/** Clients whose language has a type for times write the same time in a form of their own. */
export const of = z.iso
  .datetime({ offset: true })
  .transform((time) => new Date(time).toISOString())
  .describe('`when` of the decision that the person saw.');
export const picture = z
  .string()
  .max(64)
  .optional()
  .describe('`picture` that the person saw: refused where another one has replaced it.');

const acknowledgement = z
  .strictObject({
    answer: mismatchAnswer.describe(
      'order_wrong: the picture is what the decision says. category_wrong: the picture is what was ordered, see `category`. no_matter: the difference does not matter; the category stays, and no network learns from that.',
    ),
    category: category
      .nullable()
      .optional()
      .describe('With category_wrong alone: what the picture shows, as in `correct`.'),
    why: z
      .string()
      .trim()
      .min(1)
      .max(200)
      .optional()
      .describe('A word for other people. It is never logged.'),
    of,
    picture,
  })
  .refine(({ answer, category }) => (answer === 'category_wrong') === (category !== undefined), {
    path: ['category'],
    message: 'goes with category_wrong, and must be given there',
  });

/** A person's verdict on a decision: correct, confirm, say which way up, answer what differs from the order, undo. */
export function correctionOperations(parts: Parts): Operation[] {
  const { entries, names, metrics } = parts;
  const requireKnown = (chosen: string | null) => {
    if (chosen !== null && !names.categories.includes(chosen)) throw createError('category_unknown', {});
  };
  const decide = async (
    { instance, seen, caller }: { instance: InstanceId; seen: Seen; caller: Caller },
    action: VerdictAction,
    next: (current: InstanceRecord, by: By) => NewDecision,
  ) => {
    await giveVerdict(parts, { instance, caller }, action, (current, shown, by) => {
      requireSeen({ instance, ...seen }, current, shown);
      const decided = next(current, by);
      return action === 'undo' ? decided : settling(current, decided, shown.differences(decided));
    });
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
        requireKnown(body.category);
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
      id: 'orient',
      tag: 'decisions',
      method: 'put',
      path: '/api/v1/instances/{instance}/orientation',
      summary:
        "A person says which way up the picture is, and confirms the network's category by that; it stays as a correction does",
      role: 'reviewer',
      params: instanceParams,
      body: z.strictObject({
        turned: quarterTurn.describe('By how many degrees it must be turned clockwise to be upright.'),
        mirrored: z.boolean().describe('Whether it is mirrored, once it is upright.'),
        of,
        picture,
      }),
      answer: entry,
      handle: ({ params, body, caller }) =>
        decide({ ...params, seen: body, caller }, 'orient', (current, by) => oriented(current, body, by)),
    }),
    operation({
      id: 'acknowledge',
      tag: 'decisions',
      method: 'post',
      path: '/api/v1/instances/{instance}/acknowledgement',
      summary:
        'A person answers a decision that differs from the order. It is asked about again only where a later decision differs in another way',
      role: 'reviewer',
      params: instanceParams,
      body: acknowledgement,
      answer: entry,
      handle: async ({ params, body, caller }) => {
        const { answer, category, why } = body;
        requireKnown(category ?? null);
        const said = {
          answer,
          ...(category === undefined ? {} : { category }),
          ...(why === undefined ? {} : { why }),
        };
        const decided = await decide({ ...params, seen: body, caller }, 'acknowledge', (current, by) =>
          acknowledged(current, said, by),
        );
        metrics.acknowledged.inc({ answer });
        return decided;
      },
    }),
    operation({
      id: 'undo',
      tag: 'decisions',
      // Not DELETE: `of` would be in its query, and Orthanc does not pass the query of a DELETE to plugins.
      method: 'post',
      path: '/api/v1/instances/{instance}/undo',
      summary:
        "Restores the network's decision. An answer to what differs from the order, or which way up the picture is, is taken back first, where it was said after a person's decision",
      role: 'reviewer',
      params: instanceParams,
      body: z.strictObject({ of }),
      answer: entry,
      handle: ({ params, body, caller }) => decide({ ...params, seen: body, caller }, 'undo', undone),
    }),
  ];
}
