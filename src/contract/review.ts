import { z } from 'zod';
import { code } from '../anatomy/code.js';
import { instanceRecord, networkId } from '../decisions/schema.js';
import { worklistStates } from './states.js';

/**
 * What the API answers to the review page. The page is type-checked against these shapes. So nothing in this folder
 * reaches a module of Node.js; `npm test` checks it.
 */

export const worklistState = z.enum(worklistStates);

const text = z.string().optional();

/** DICOM's own words. No patient's name, identifier or date of birth, by construction. */
export const dicomWords = z.object({
  modality: text,
  bodyPartExamined: text,
  viewPosition: text,
  laterality: text,
  studyDescription: text,
  seriesDescription: text,
  protocolName: text,
  stationName: text,
  studyDate: text.describe('YYYYMMDD, as DICOM has it.'),
  studyTime: text,
});

export const entry = instanceRecord.omit({ version: true, labels: true, ms: true }).extend({
  instance: z.string(),
  series: z.string(),
  study: z.string(),
  sopInstanceUid: z.string(),
  seriesInstanceUid: z.string(),
  studyInstanceUid: z.string(),
  frames: z.number(),
  rows: z.number().optional().describe('With columns, voi, viewPosition and laterality: not in lists.'),
  columns: z.number().optional(),
  voi: z
    .object({ center: z.number(), width: z.number() })
    .optional()
    .describe('The window with which Orthanc renders the picture.'),
  dicom: dicomWords,
  labels: z.array(z.string()).describe('All of the instance, whoever put them there.'),
});
export type Entry = z.output<typeof entry>;

export const worklistPage = z.object({
  items: z.array(entry),
  next: z.string().optional().describe('Where the next page begins; absent at the end.'),
  total: z.number().optional().describe('How many there are, where nothing but the state is asked for.'),
});
export type WorklistPage = z.output<typeof worklistPage>;

export const me = z.object({
  who: z.string(),
  role: z.enum(['viewer', 'reviewer', 'admin']),
  how: z.enum(['token', 'orthanc']),
});

export const categoryList = z.object({
  categories: z
    .array(
      z.object({
        name: z.string(),
        bodyPartExamined: text,
        region: code.optional(),
        view: code.optional(),
        viewPosition: text,
      }),
    )
    .describe('What a person may choose.'),
  networkClasses: z.array(z.string()),
});

export const activation = z.object({
  rows: z.number(),
  columns: z.number(),
  values: z.array(z.number()).describe('0 to 1, row by row: what speaks for the category, and where.'),
  peak: z.number().describe('What 1 stands for: the most that one cell adds to the logit; 0 if none does.'),
  category: z.string(),
  score: z.number(),
});

const counts = z.object({
  needs_review: z.number(),
  unknown_view: z.number(),
  order_mismatch: z.number(),
  classification_failed: z.number(),
});

const verdicts = { confirmed: z.number(), corrected: z.number() };

export const statistics = z.object({
  days: z.number(),
  from: z.string(),
  to: z.string(),
  bucket: z.enum(['hour', 'day']),
  throughput: z.array(z.object({ at: z.string(), decided: z.number() })),
  decisions: z
    .array(
      z.object({
        at: z.string(),
        category: z.number(),
        needs_review: z.number(),
        unknown_view: z.number(),
        failed: z.number(),
      }),
    )
    .describe('By day, UTC.'),
  categories: z
    .array(z.object({ category: z.string(), perDay: z.array(z.number()), total: z.number() }))
    .describe('Categories given by a network; perDay goes with decisions.'),
  agreement: z
    .array(
      z.object({
        network: networkId,
        ...verdicts,
        unsure: z.object(verdicts).describe('Where the network had asked for review: not in the others.'),
        categories: z.array(
          z.object({
            category: z.string().describe('What the network said; unknown_view where it was none.'),
            ...verdicts,
            insteadOf: z
              .array(z.object({ category: z.string().nullable(), count: z.number() }))
              .describe('What people said instead; null: none of the categories.'),
          }),
        ),
      }),
    )
    .describe('What people said of decisions, by the network that made them.'),
  backlog: counts
    .partial()
    .describe('Instances that carry the state now; absent where Orthanc cannot count.'),
  complete: z.boolean().describe('False while what stands in Orthanc is still being counted.'),
});
export type StatisticsAnswer = z.output<typeof statistics>;

export const status = z.object({
  version: z.string(),
  network: networkId.extend({ purpose: z.string() }),
  engine: z.object({
    engine: z.string(),
    device: z.string(),
    declined: z.array(z.object({ engine: z.string(), reason: z.string() })),
  }),
  queue: z.object({ waiting: z.number(), running: z.number(), delayed: z.number() }),
  sweep: z.object({
    state: z.enum(['idle', 'running', 'waiting']),
    done: z.number(),
    total: z.number(),
    secondsLeft: z.number().optional(),
  }),
  orthanc: z.object({ up: z.boolean(), version: text, why: text }),
  orthancPages: z.string().describe("Orthanc's own pages, as a browser reaches them."),
  listeners: z.number().describe('Pages that follow the events.'),
});
export type Status = z.output<typeof status>;

/** `event: decided` */
export const decidedEvent = entry.pick({
  instance: true,
  study: true,
  decision: true,
  category: true,
  who: true,
  when: true,
});
export type DecidedEvent = z.output<typeof decidedEvent>;
