import { z } from 'zod';
import { errorDetail } from '../decisions/schema.js';
import { instanceId } from '../orthanc/ids.js';

/** How the value of an attribute goes with what the picture shows. */
export const relations = ['equal', 'compatible', 'neighbouring', 'contradictory', 'unmappable'] as const;
export type Relation = (typeof relations)[number];

export const dimensions = ['station', 'device', 'department', 'month', 'category'] as const;
export type Dimension = (typeof dimensions)[number];

/** What is counted. A person's and a network's word on a picture are counted apart, and each picture in one of them. */
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

const count = z.number().int().min(0);
const share = z.number().min(0).max(1);

const figure = z.object({
  count,
  of: count.describe('The radiographs of which it can be told.'),
  share: share.nullable().describe('count / of; null where of is 0.'),
  low: share.describe("Lower end of Wilson's 95 % interval."),
  high: share.describe("Upper end of Wilson's 95 % interval."),
  examples: z.array(instanceId).describe("Orthanc's identifiers of some of those counted."),
});
export type QualityFigure = z.output<typeof figure>;

const relationCounts = z.record(z.enum(relations), count);
const byDecider = z
  .object({ person: relationCounts, network: relationCounts })
  .describe('How declared values go with what a person, or else the network, says of the picture.');

export const qualityGroup = z
  .object({
    value: z.string().describe('Of the dimension; `(none)` where the files give none.'),
    radiographs: count,
    figures: z.record(z.enum(figureNames), figure),
    bodyPart: byDecider,
    view: byDecider,
  })
  .meta({ id: 'QualityGroup' });
export type QualityGroup = z.output<typeof qualityGroup>;

const day = z.iso.date('must look like 2026-01-31');
export const networkScore = z
  .number()
  .min(0)
  .max(1)
  .describe("The network's score from which its category counts against an attribute.");
export const defaultNetworkScore = 0.9;

export const qualityReport = z.object({
  when: z.string().describe('When it was made, ISO 8601, UTC.'),
  plainview: z.string().describe('Version.'),
  from: day.optional().describe('Study Dates from this day on.'),
  to: day.optional().describe('Study Dates up to this day.'),
  networkScore,
  unread: count.describe(
    'Radiographs of which Orthanc cannot read the file, and no record tells what it declares.',
  ),
  all: qualityGroup,
  by: z
    .partialRecord(z.enum(dimensions), z.array(qualityGroup))
    .describe('Largest groups first; months in order.'),
});
export type QualityReport = z.output<typeof qualityReport>;

export const qualityRequest = z
  .strictObject({
    from: day.optional(),
    to: day.optional(),
    networkScore: networkScore.default(defaultNetworkScore),
  })
  .refine(({ from = '', to = '9' }) => from <= to, { path: ['to'], message: 'must not be before from' });

export const qualityAnswer = z.object({
  state: z.enum(['idle', 'running']),
  progress: z
    .object({
      done: count.describe('Series that were read.'),
      total: count.optional().describe('All series; absent where Orthanc cannot count them.'),
      radiographs: count,
    })
    .optional()
    .describe('Of a running report.'),
  failure: errorDetail.optional().describe('Why the last try made none.'),
  report: qualityReport.optional().describe('The last one that was made.'),
});
export type QualityAnswer = z.output<typeof qualityAnswer>;
