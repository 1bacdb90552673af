import { z } from 'zod';
import { orientation } from '../classify/orientation.js';
import { side } from '../classify/side.js';
import { orderRecord } from '../order-check/schema.js';
import { declared } from '../orthanc/declared.js';
import { exposure } from '../orthanc/exposure.js';
import { label } from '../orthanc/ids.js';

export type { QuarterTurn } from '../classify/orientation.js';

/**
 * What stands in Orthanc's metadata `Radiograph`. This is Plainview's memory and its contract with viewers:
 * fields are added, never renamed; `version` changes only if that must be broken.
 */
const score = z.number().min(0).max(1);

export const networkId = z.object({
  name: z.string(),
  /** SHA-256 of the network's file, hexadecimal; of a cascade, of all its files' together. */
  sha256: z.string(),
  /** Of an ONNX network: hash of what a decision takes from its description. Former versions did not write it. */
  described: z.string().optional().catch(undefined),
  /** Where it did not compute in float32. */
  precision: z.literal('int8').optional().catch(undefined),
});

/** What a reason says. One that cannot be read is ignored: the reason in English is there too. */
const because = z
  .array(z.object({ code: z.string(), params: z.record(z.string(), z.union([z.string(), z.number()])) }))
  .optional()
  .catch(undefined);

/** An error of the catalogue. Former versions did not write the parameters, which are for another language. */
export const errorDetail = z.object({
  code: z.string(),
  message: z.string(),
  params: z.record(z.string(), z.unknown()).optional().catch(undefined),
});

const top = z.array(z.object({ category: z.string(), score }));
const decision = z.enum(['category', 'needs_review', 'unknown_view', 'failed']);

/** What a second network would have decided. It changes nothing. */
export const shadowRecord = z.object({
  network: networkId,
  /** `failed`: it gave no answer. */
  decision,
  category: z.string().optional(),
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
  top,
  /** `when` of the decision that it belongs to. An older version of Plainview keeps this field when it decides anew. */
  of: z.string(),
});
export type ShadowRecord = z.output<typeof shadowRecord>;

/** What was decided of an instance, from what, and by which network. */
export const decisionRecord = z.object({
  /**
   * `failed` is an end state too: the reason is in `failure`. A request tries again, and so does a sweep, once, where
   * the cause may lie outside of the picture.
   */
  decision,
  /** The category given; absent unless the decision is `category`. Fit to be a label and a folder's name. */
  category: label.optional(),
  /** Why this decision, for a person to read; in English. */
  reason: z.string(),
  /** The same for readers of another language: one after another. Absent on failures, and in records of older versions. */
  because,
  failure: errorDetail
    .extend({
      /** Nothing tries again by itself: the picture failed twice. Former versions did not write it. */
      isFinal: z.boolean().optional(),
    })
    .optional(),
  /** The best five, best first; softmax outputs, no probabilities. */
  top,
  network: networkId,
  /**
   * Of a cascade: what each network said that looked at the picture, in their order; `top` is that of the last one, and
   * `network` names all together. One that cannot be read is ignored.
   */
  cascade: z
    .array(z.object({ network: networkId, top }))
    .optional()
    .catch(undefined),
  /**
   * Which way up the picture is. Absent where the network does not tell it. No decision depends on it, so one that cannot be
   * read is ignored.
   */
  orientation: orientation.optional().catch(undefined),
  /** The side that a marker on the film names. Absent where none is looked for; one that cannot be read is ignored. */
  side: side.optional().catch(undefined),
  engine: z.string(),
  /** ISO 8601, UTC. */
  when: z.string(),
  /** From taking up the job to the decision, milliseconds. */
  ms: z.number(),
  /** Who asked for this decision, where it was asked for. `ends`: `when` of the person's decision that it ended by that. */
  requested: z.object({ who: z.string(), when: z.string(), ends: z.string().optional() }).optional(),
  /** Absent where there was no second network. The decision does not depend on it, so one that cannot be read is ignored. */
  shadow: shadowRecord.optional().catch(undefined),
});
export type DecisionRecord = z.output<typeof decisionRecord>;

/**
 * What a person says of a decision that differs from the order: the picture is right and the order wrong; the order is right
 * and the picture's category was wrong; or the difference does not matter.
 */
export const mismatchAnswer = z.enum(['order_wrong', 'category_wrong', 'no_matter']);
export type MismatchAnswer = z.output<typeof mismatchAnswer>;

const acknowledgement = z.object({
  answer: mismatchAnswer,
  who: z.string(),
  when: z.string(),
  /** A word of the person's. It is never logged. */
  why: z.string().optional(),
  /** The differences that it is about, as in `settled`. */
  of: z.array(z.string()),
});
export type Acknowledgement = z.output<typeof acknowledgement>;

/** What people have settled of the order. It outlasts the decision, so that the same difference is not asked about again. */
const settlement = {
  /** The differences from the order that a person's decision itself has settled: `differencesOf`. Absent on what older versions recorded. */
  settled: z.array(z.string()).optional().catch(undefined),
  acknowledged: acknowledgement.optional().catch(undefined),
};

export const instanceRecord = z.object({
  version: z.literal(1),
  ...decisionRecord.shape,
  /** Of a person's decision, scores, network and engine are still those of the network's. */
  who: z.enum(['network', 'person']),
  /** Who has decided, where a person has: present with `before`. */
  person: z.object({ who: z.string(), when: z.string(), action: z.enum(['confirm', 'correct']) }).optional(),
  /** The network's decision that a person's replaced, with what was settled then: an undo brings it back. */
  before: decisionRecord.extend(settlement).optional(),
  /** Absent where it was not looked at: on failures, and on what was decided before there was this check. */
  order: orderRecord.optional(),
  ...settlement,
  /** Absent where the file was not read, and on what was decided before exposures were looked at. */
  exposure: exposure.optional(),
  /** As the file came: without what Plainview wrote there. Absent as `exposure` is; one that cannot be read is ignored. */
  declared: declared.optional().catch(undefined),
  /** The labels on this instance that Plainview put there; any other is none of its business. */
  labels: z.array(z.string()),
});

/** Series and study: what their instances add up to. */
export const groupRecord = z.object({
  version: z.literal(1),
  /** How many instances were given each category. */
  categories: z.record(z.string(), z.number()),
  /** How many instances ended in each decision. */
  decisions: z.record(z.string(), z.number()),
  labels: z.array(z.string()),
  /** Of a study: categories that somebody set as labels, and that a reviewer said are no correction. */
  dismissed: z.array(z.string()).optional(),
});

/** What stands in `RadiographReclassify`: a request to decide again. Whoever writes anything there asks for it. */
export const reclassifyRequest = z.object({
  who: z.string().default('unknown'),
  /** ISO 8601, UTC; where the writer gave no time, when it was read. */
  when: z.string().default(() => new Date().toISOString()),
  /** Also where a person has corrected the category. */
  includingCorrected: z.boolean().default(false),
  /** `when` of the decision that it may end; absent where there was none. */
  ends: z.string().optional(),
  /** See `RequestSeal`. Without it, `includingCorrected` does not count. */
  seal: z.string().optional(),
});

export type ReclassifyRequest = z.output<typeof reclassifyRequest>;
export type InstanceRecord = z.output<typeof instanceRecord>;
/** A decision before Plainview adds what the file tells, and the labels. */
export type NewDecision = Omit<InstanceRecord, 'labels' | 'version' | 'order' | 'exposure' | 'declared'>;
export type GroupRecord = z.output<typeof groupRecord>;

/** Names of the user metadata, as `orthanc/plainview.json` declares them with their numbers. */
export const metadataNames = {
  category: 'RadiographCategory',
  record: 'Radiograph',
  request: 'RadiographReclassify',
  result: 'RadiographResult',
  routes: 'RadiographRoutes',
  tags: 'RadiographTags',
} as const;

/** The value of `RadiographCategory` where no category was given. */
export const unknownCategory = 'unknown';

/**
 * Reads metadata that anybody may have written.
 * @returns undefined where there is none, or it is not ours to understand: such an instance counts as undecided
 */
export function readRecord<T extends z.ZodType>(
  schema: T,
  text: string | undefined,
): z.output<T> | undefined {
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // not JSON: the same as not ours
  }
}
