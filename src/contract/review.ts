import { z } from 'zod';
import { code } from '../anatomy/code.js';
import { errorDetail, instanceRecord, networkId } from '../decisions/schema.js';
import { category, cursor } from './named.js';
import { openStates, worklistStates } from './states.js';

/**
 * The API's answers to the review page. The page is type-checked against these shapes, so nothing in this folder may
 * import a module of Node.js. `npm test` checks it.
 */

export const worklistState = z.enum(worklistStates);

const text = z.string().optional();

/** Values of DICOM attributes. The patient's name, identifier and date of birth are not among them. */
export const dicomAttributes = z.object({
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

export const entry = instanceRecord.omit({ version: true, labels: true, ms: true, exposure: true }).extend({
  category: category.optional(),
  instance: z.string(),
  series: z.string(),
  study: z.string(),
  sopInstanceUid: z.string(),
  seriesInstanceUid: z.string(),
  studyInstanceUid: z.string(),
  frames: z.number(),
  picture: text.describe(
    'Changes when another file replaces the picture. Sent with a correction, it says which one the person saw. Not given in lists.',
  ),
  rows: z
    .number()
    .optional()
    .describe('Not given in lists; nor are columns, voi, viewPosition and laterality.'),
  columns: z.number().optional(),
  voi: z
    .object({ center: z.number(), width: z.number() })
    .optional()
    .describe('The window with which Orthanc renders the picture.'),
  dicom: dicomAttributes,
  instead: z
    .string()
    .optional()
    .describe(
      "Orthanc's identifier of the instance that stands for the same exposure, also for the order: this one is raw, or made from it.",
    ),
  labels: z.array(z.string()).describe('All labels of the instance, including those of others.'),
  open: z
    .array(z.enum(openStates))
    .describe('What no person has settled yet; empty also where there is nothing to settle.'),
  proposed: z
    .array(category)
    .optional()
    .describe(
      'Categories that somebody set as labels in Orthanc, on this instance or its study, and that nobody has answered. Given for one instance, for those of a study, and in the list of the state category_proposed.',
    ),
});
export type Entry = z.output<typeof entry>;

/** What is left to answer on a study. */
export const proposals = z.object({ proposed: z.array(category) });

export const worklistPage = z.object({
  items: z.array(entry),
  next: cursor.optional().describe('Where the next page begins; absent at the end.'),
  total: z.number().optional().describe('The number of all items; given where the state is the only filter.'),
});
export type WorklistPage = z.output<typeof worklistPage>;

export const me = z.object({
  who: z.string(),
  role: z.enum(['viewer', 'reviewer', 'admin']),
  how: z.enum(['token', 'orthanc', 'openid', 'command line']),
});

/** Where and as whom the page asks the OpenID Connect provider to sign a person in. */
export const signIn = z.object({
  clientId: z.string(),
  authorizationEndpoint: z.string(),
  tokenEndpoint: z.string(),
});
export type SignIn = z.output<typeof signIn>;

export const categoryList = z.object({
  categories: z
    .array(
      z.object({
        name: category,
        bodyPartExamined: text,
        region: code.optional(),
        view: code.optional(),
        viewPosition: text,
        eponym: code.optional(),
        part: text.describe('The body part in `words`.'),
        projection: text.describe('The projection in `words`.'),
      }),
    )
    .describe(
      'What a person may choose: the categories of the networks that come with Plainview, further standard views, those of the site, and those of the network in use.',
    ),
  networkClasses: z.array(z.string()).describe('What the network in use can answer.'),
  words: z
    .record(z.string(), z.array(z.string()))
    .describe('The words that orders use for a body part or a projection, in several languages.'),
});

export const activation = z.object({
  rows: z.number(),
  columns: z.number(),
  values: z.array(z.number()).describe('0 to 1, row by row: how much each cell supports the category.'),
  method: z
    .enum(['activation', 'occlusion'])
    .describe(
      'activation: what a cell adds to the logit; occlusion: by how much the log-odds of the score fall where the cell is hidden.',
    ),
  peak: z.number().describe('The value of 1: the most that one cell supports it; 0 if no cell does.'),
  category,
  score: z.number(),
});

const counts = z.object({
  needs_review: z.number(),
  unknown_view: z.number(),
  order_mismatch: z.number(),
  category_proposed: z.number().describe('Studies.'),
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
    .array(z.object({ category, perDay: z.array(z.number()), total: z.number() }))
    .describe('Categories given by a network; perDay goes with decisions.'),
  agreement: z
    .array(
      z.object({
        network: networkId,
        ...verdicts,
        unsure: z
          .object(verdicts)
          .describe('Decisions that needed review; not counted in the other figures.'),
        categories: z.array(
          z.object({
            category: category.describe("The network's category; unknown_view where it gave none."),
            ...verdicts,
            insteadOf: z
              .array(z.object({ category: category.nullable(), count: z.number() }))
              .describe("People's categories instead; null: none of the categories."),
          }),
        ),
      }),
    )
    .describe("People's verdicts on decisions, by the network that made them."),
  shadows: z
    .array(
      z.object({
        network: networkId,
        shadow: networkId,
        decided: z.number().describe('Decisions beside which the shadow network gave an answer.'),
        failed: z.number().describe('Decisions beside which it gave none.'),
        partings: z
          .array(z.object({ network: z.string(), shadow: z.string(), count: z.number() }))
          .describe(
            'Decision of the network, and what the shadow would have decided otherwise: a category, needs_review or unknown_view. The most frequent first.',
          ),
        right: z
          .object({
            both: z.number(),
            onlyNetwork: z.number(),
            onlyShadow: z.number(),
            neither: z.number(),
            p: z.number().describe("McNemar's test, exact, two-sided."),
          })
          .describe(
            'By the decisions of people: whose category was right, the best one where it was unsure.',
          ),
      }),
    )
    .describe('How often the shadow network would have decided otherwise, and who was right.'),
  acknowledged: z
    .object({ order_wrong: z.number(), category_wrong: z.number(), no_matter: z.number() })
    .describe(
      'What people answered where a decision differs from the order; what was undone is not counted.',
    ),
  backlog: counts
    .partial()
    .describe(
      'Instances, or studies, with something that no person has settled yet; absent where Orthanc cannot count.',
    ),
  complete: z.boolean().describe('False while decisions in Orthanc are still being counted.'),
});
export type StatisticsAnswer = z.output<typeof statistics>;

const identity = networkId.extend({ purpose: z.string() });

export const status = z.object({
  version: z.string(),
  network: identity,
  shadow: z
    .object({
      network: identity.optional(),
      problem: text.describe('Why it does not look at pictures.'),
      failure: errorDetail.optional(),
    })
    .optional()
    .describe('A second network that looks at each picture and decides nothing.'),
  engine: z.object({
    engine: z.string(),
    device: z.string(),
    declined: z.array(z.object({ engine: z.string(), reason: z.string(), failure: errorDetail.optional() })),
  }),
  queue: z.object({ waiting: z.number(), running: z.number(), delayed: z.number() }),
  sweep: z.object({
    state: z.enum(['idle', 'running', 'waiting']),
    done: z.number(),
    total: z.number(),
    secondsLeft: z.number().optional(),
  }),
  orthanc: z.object({ up: z.boolean(), version: text, why: text, failure: errorDetail.optional() }),
  stateProblem: text.describe(
    'Why the state folder cannot be written; corrections are refused until it can.',
  ),
  stateFailure: errorDetail.optional(),
  orthancPages: z.string().describe("The address of Orthanc's own pages for a browser."),
  viewers: z
    .array(z.object({ name: z.string(), url: z.string() }))
    .describe(
      'Links to viewers. Each address has places such as {StudyInstanceUID}, to be filled for a picture.',
    ),
  listeners: z.number().describe('Clients connected to the event stream.'),
  streams: z
    .boolean()
    .describe("Whether the caller can follow the event stream: through Orthanc's plugin, nobody can."),
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
