import { z } from 'zod';
import { instanceRecord } from '../../../decisions/schema.js';
import { orderAnswer } from '../../../order-check/schema.js';
import { destinationKinds } from '../../../orthanc/forwarder.js';
import { studyConditions, studyRules } from '../studies/schema.js';
import { again, hasCondition, places, ruleName, some } from './parts.js';

/** The file of rules. `docs/routing.md` explains it. */

/** Text in which `*` stands for anything and `?` for one character. */
const pattern = z.union([z.string().max(128), z.number()]).transform(String);
const patterns = some(pattern, 'text, in which * stands for anything');

export const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

const score = z.number().min(0).max(1);
const between = /^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/;

const answers = some(orderAnswer, orderAnswer.options.join(', '));
/** Answers of the order check: of the whole, or of single findings. */
const order = z
  .union([answers, z.strictObject({ bodyPart: answers, projection: answers, side: answers }).partial()], {
    error: `must be ${orderAnswer.options.join(', ')}, or one of these for bodyPart, projection or side`,
  })
  .transform((given) => (Array.isArray(given) ? { whole: given } : given));

export const conditions = z.strictObject({
  category: patterns.optional(),
  decision: some(instanceRecord.shape.decision, 'category, needs_review, unknown_view or failed').optional(),
  score: z
    .strictObject({ from: score.optional(), below: score.optional() })
    .refine(({ from, below }) => from !== undefined || below !== undefined, 'needs from or below')
    .optional(),
  who: instanceRecord.shape.who.optional(),
  /** Station Name (0008,1010). */
  station: patterns.optional(),
  /** AE title of the sender of the instance. */
  sender: patterns.optional(),
  tags: z.record(z.string().regex(/^[A-Z][A-Za-z0-9]{1,63}$/), patterns).optional(),
  order: order.optional(),
  time: z
    .strictObject({
      days: some(z.enum(days), 'a day (mon)').optional(),
      between: z.string().regex(between, 'must look like 22:00-06:00').optional(),
    })
    .refine((given) => given.days !== undefined || given.between !== undefined, 'needs days or between')
    .optional(),
});

const actions = z
  .strictObject({
    ...places,
    stop: z.boolean().default(false),
  })
  .refine(
    ({ stop, ...rest }) => stop || Object.values(rest).some((given) => given !== undefined),
    'does nothing',
  );

const webhook = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  secretFile: z.string().min(1),
  caFile: z.string().min(1).optional(),
});

const rule = z.strictObject({
  name: ruleName,
  when: conditions.default({}),
  /** If all of these hold, the rule does not apply. */
  unless: conditions.refine(hasCondition, 'needs a condition').optional(),
  do: actions,
  /** When an instance that was sent before is sent again after a new decision. */
  again: again.default('changed'),
});

export const rulesFile = z
  .strictObject(
    {
      version: z.literal(1),
      /** Instances that Orthanc received before this time are never routed, so that no archive is sent by accident. */
      since: z
        .union([z.iso.date(), z.iso.datetime({ offset: true })], { error: 'must look like 2026-01-31' })
        .transform((text) => new Date(text)),
      timeZone: z
        .string()
        .refine(isTimeZone, 'must be a time zone such as Europe/Berlin')
        .default(() => new Intl.DateTimeFormat().resolvedOptions().timeZone),
      /** Limits the instances sent in a minute to each destination. */
      perMinute: z.number().int().min(1).max(60_000).default(600),
      /** Whether modified and anonymised copies are routed too. */
      copies: z.boolean().default(false),
      webhooks: z.record(z.string().min(1), webhook).default({}),
      rules: z.array(rule).min(1).optional(),
      /** Rules on the pictures of a study together. */
      studies: studyRules.optional(),
    },
    'must hold version, since and rules (docs/routing.md)',
  )
  .refine(({ rules, studies }) => rules !== undefined || studies !== undefined, 'needs rules or studies')
  .transform(({ rules = [], ...rest }) => ({ ...rest, rules }));

/** Categories where a rule's conditions name some: those of a picture, or of the pictures of a study. */
const patternsOfStudy = studyConditions.shape.all
  .transform((pictures) => pictures?.map(({ category }) => category))
  .catch(undefined);
const when = z
  .object({
    category: conditions.shape.category.catch(undefined),
    all: patternsOfStudy,
    any: patternsOfStudy,
    none: patternsOfStudy,
  })
  .optional()
  .catch(undefined);

/** A rule's name, and the names that it uses. */
const named = z
  .object({
    name: z.unknown(),
    when,
    unless: when,
    do: z
      .object({ label: places.label.catch(undefined), webhook: places.webhook.catch(undefined) })
      .catch({}),
  })
  .catch({ name: undefined, do: {} });

/** The names in a file. They are read despite other mistakes, so that all mistakes are reported together. */
export const namesInFile = z
  .object({
    webhooks: z.record(z.string(), webhook.optional().catch(undefined)).catch({}),
    rules: z.array(named).catch([]),
    studies: z.object({ rules: z.array(named).catch([]) }).catch({ rules: [] }),
  })
  .catch({ webhooks: {}, rules: [], studies: { rules: [] } });

export type Conditions = z.output<typeof conditions>;
export type Rule = z.output<typeof rule>;
export type RulesFile = z.output<typeof rulesFile>;
export type NamesInFile = z.output<typeof namesInFile>;

export const targetKinds = [...destinationKinds, 'webhook'] as const;

/** A destination, as the rules name it. */
export interface Target {
  kind: (typeof targetKinds)[number];
  name: string;
}

/** The name of a target in metadata, logs and metrics: `peer:orthopaedics`. */
export const nameOf = ({ kind, name }: Target): string => `${kind}:${name}`;

/** What names destinations: a rule on pictures, or on studies. */
export interface Targets {
  do: { [Kind in Target['kind']]?: string[] | undefined };
}

export const targetsOf = ({ do: actions }: Targets): Target[] =>
  targetKinds.flatMap((kind) => (actions[kind] ?? []).map((name) => ({ kind, name })));

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false; // RangeError: no such zone
  }
}
