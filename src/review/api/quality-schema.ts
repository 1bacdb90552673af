import * as z from 'zod/mini';
import type * as served from '../../contract/quality.js';
import { failure } from './reason-schema.js';

/** As in `schema.ts`: what the page reads of what the service declares. */
type Read<_Served extends Ours, Ours> = Ours;

export const dimensions = ['station', 'device', 'department', 'month', 'category'] as const;
export type Dimension = (typeof dimensions)[number];

export const figureNames = [
  'withoutBodyPart',
  'withoutView',
  'wrongBodyPartByPerson',
  'wrongBodyPartByNetwork',
  'wrongViewByPerson',
  'wrongViewByNetwork',
  'wrongSide',
  'orderMismatch',
  'orderMismatchOpen',
  'orderMismatchAnswered',
  'undecided',
] as const;
export type FigureName = (typeof figureNames)[number];

const figure = z.object({
  count: z.number(),
  of: z.number(),
  share: z.nullable(z.number()),
  low: z.number(),
  high: z.number(),
  examples: z.array(z.string()),
});
export type Figure = z.output<typeof figure>;

const group = z.object({
  value: z.string(),
  radiographs: z.number(),
  figures: z.record(z.enum(figureNames), figure),
});
export type Group = z.output<typeof group>;

const report = z.object({
  when: z.string(),
  from: z.optional(z.string()),
  to: z.optional(z.string()),
  networkScore: z.number(),
  unread: z.number(),
  all: group,
  by: z.partialRecord(z.enum(dimensions), z.array(group)),
});

export const quality = z.object({
  state: z.enum(['idle', 'running']),
  progress: z.optional(
    z.object({ done: z.number(), total: z.optional(z.number()), radiographs: z.number() }),
  ),
  failure: z.optional(failure),
  report: z.optional(report),
});
export type Quality = Read<served.QualityAnswer, z.output<typeof quality>>;
export type Report = z.output<typeof report>;
