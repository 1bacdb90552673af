import type * as zod from 'zod';
import * as z from 'zod/mini';
import type * as served from '../../contract/review.js';
import { because, failure, finding } from './reason-schema.js';

// zod would compile its checks with `eval`, which the page's content security policy forbids.
z.config({ jitless: true });

/**
 * What the page reads of what the service declares. It does not compile where the two differ. The service's own
 * declarations are not bundled: they would make the page three times as large.
 */
type Read<_Served extends Ours, Ours> = Ours;

const scored = z.object({ category: z.string(), score: z.number() });
export type Scored = z.output<typeof scored>;

export const decision = z.enum(['category', 'needs_review', 'unknown_view', 'failed']);
export type Decision = z.output<typeof decision>;

const networkId = z.object({ name: z.string(), sha256: z.string() });

/** Of a cascade: the networks that looked, in their order. */
const cascade = z.optional(z.array(z.object({ network: networkId })));

const wouldBe = z.object({
  network: networkId,
  decision,
  category: z.optional(z.string()),
  of: z.string(),
});

/** An instance as the API describes it. Fields that the page does not show are not read. */
export const entry = z.object({
  instance: z.string(),
  series: z.string(),
  study: z.string(),
  sopInstanceUid: z.string(),
  seriesInstanceUid: z.string(),
  studyInstanceUid: z.string(),
  decision,
  category: z.optional(z.string()),
  reason: z.string(),
  /** What the reason says. Absent in old records. */
  because: z.optional(because),
  /** Best first; softmax, 0…1. */
  top: z.array(scored),
  who: z.enum(['network', 'person']),
  network: networkId,
  cascade,
  /** `turned`: clockwise degrees that bring the picture upright. */
  orientation: z.optional(
    z.union([
      z.object({
        turned: z.number(),
        mirrored: z.optional(z.union([z.boolean(), z.literal('cannot_tell')])),
        person: z.optional(z.object({ who: z.string() })),
      }),
      z.literal('cannot_tell'),
    ]),
  ),
  /** What the only marker on the film says. */
  side: z.optional(z.union([z.object({ marked: z.enum(['R', 'L']) }), z.literal('none')])),
  engine: z.string(),
  /** ISO 8601; sent back with a confirmation or correction, it identifies the decision that it is about. */
  when: z.string(),
  requested: z.optional(z.object({ who: z.string(), when: z.string() })),
  /** The network's decision, where a person has replaced it. */
  before: z.optional(
    z.object({
      decision,
      category: z.optional(z.string()),
      top: z.array(scored),
      cascade,
      when: z.string(),
      shadow: z.optional(wouldBe),
    }),
  ),
  /** What a second network would have decided. */
  shadow: z.optional(wouldBe),
  person: z.optional(z.object({ who: z.string(), when: z.string(), action: z.string() })),
  /** The decision compared with what DICOM says was ordered. */
  order: z.optional(
    z.object({ answer: finding.shape.answer, bodyPart: finding, projection: finding, side: finding }),
  ),
  /** What a person answered where the decision differs from the order. */
  acknowledged: z.optional(
    z.object({
      answer: z.enum(['order_wrong', 'category_wrong', 'no_matter']),
      who: z.string(),
      when: z.string(),
      why: z.optional(z.string()),
    }),
  ),
  failure: z.optional(failure),
  /** Pixels; with `columns` and `voi` not in lists. */
  rows: z.optional(z.number()),
  columns: z.optional(z.number()),
  /** The window that Orthanc renders with, in the units of the modality. */
  voi: z.optional(z.object({ center: z.number(), width: z.number() })),
  dicom: z.object({
    modality: z.optional(z.string()),
    bodyPartExamined: z.optional(z.string()),
    viewPosition: z.optional(z.string()),
    laterality: z.optional(z.string()),
    studyDescription: z.optional(z.string()),
    seriesDescription: z.optional(z.string()),
    protocolName: z.optional(z.string()),
    stationName: z.optional(z.string()),
    studyDate: z.optional(z.string()),
    studyTime: z.optional(z.string()),
  }),
  labels: z.array(z.string()),
  /** What no person has settled yet. */
  open: z.array(z.string()),
  /** Categories that somebody set as labels in Orthanc, and that nobody has answered. */
  proposed: z.optional(z.array(z.string())),
  /** The picture that stands for the same exposure, where this one does not. */
  instead: z.optional(z.string()),
  /** Sent back with a confirmation or correction, it says which picture was seen. Not in lists. */
  picture: z.optional(z.string()),
});
export type MismatchAnswer = NonNullable<z.output<typeof entry>['acknowledged']>['answer'];
export type Entry = Read<served.Entry, z.output<typeof entry>>;

export const proposals = z.object({ proposed: z.array(z.string()) });
export type Proposals = Read<zod.output<typeof served.proposals>, z.output<typeof proposals>>;

export const worklistPage = z.object({
  items: z.array(entry),
  next: z.optional(z.string()),
  total: z.optional(z.number()),
});
export type WorklistPage = Read<served.WorklistPage, z.output<typeof worklistPage>>;

export const me = z.object({
  who: z.string(),
  role: z.enum(['viewer', 'reviewer', 'admin']),
  how: z.enum(['token', 'orthanc', 'openid', 'command line']),
});
export type Me = Read<zod.output<typeof served.me>, z.output<typeof me>>;

export const signIn = z.object({
  clientId: z.string(),
  authorizationEndpoint: z.string(),
  tokenEndpoint: z.string(),
});
export type SignIn = Read<served.SignIn, z.output<typeof signIn>>;

export const categoryList = z.object({
  categories: z.array(
    z.object({
      name: z.string(),
      region: z.optional(z.object({ meaning: z.string() })),
      part: z.optional(z.string()),
      projection: z.optional(z.string()),
    }),
  ),
  networkClasses: z.array(z.string()),
  words: z.record(z.string(), z.array(z.string())),
});

/** Class-activation map: row-major, 0…1, stretched over the whole picture. */
export const activation = z.object({
  rows: z.number(),
  columns: z.number(),
  values: z.array(z.number()),
  category: z.string(),
  score: z.number(),
});
export type Activation = Read<zod.output<typeof served.activation>, z.output<typeof activation>>;

const counts = z.object({
  category: z.number(),
  needs_review: z.number(),
  unknown_view: z.number(),
  failed: z.number(),
});

export const statistics = z.object({
  days: z.number(),
  bucket: z.enum(['hour', 'day']),
  throughput: z.array(z.object({ at: z.string(), decided: z.number() })),
  decisions: z.array(z.extend(counts, { at: z.string() })),
  categories: z.array(z.object({ category: z.string(), perDay: z.array(z.number()), total: z.number() })),
  agreement: z.array(
    z.object({
      network: networkId,
      confirmed: z.number(),
      corrected: z.number(),
      /** Where the network had asked for a person; these are not in the other numbers. */
      unsure: z.object({ confirmed: z.number(), corrected: z.number() }),
      categories: z.array(
        z.object({
          category: z.string(),
          confirmed: z.number(),
          corrected: z.number(),
          insteadOf: z.array(z.object({ category: z.nullable(z.string()), count: z.number() })),
        }),
      ),
    }),
  ),
  shadows: z.array(
    z.object({
      network: networkId,
      shadow: networkId,
      decided: z.number(),
      failed: z.number(),
      partings: z.array(z.object({ network: z.string(), shadow: z.string(), count: z.number() })),
      right: z.object({
        both: z.number(),
        onlyNetwork: z.number(),
        onlyShadow: z.number(),
        neither: z.number(),
        p: z.number(),
      }),
    }),
  ),
  /** Answers of people where a decision differs from the order. */
  acknowledged: z.object({ order_wrong: z.number(), category_wrong: z.number(), no_matter: z.number() }),
  /** Absent where Orthanc cannot count. */
  backlog: z.partial(
    z.object({
      needs_review: z.number(),
      unknown_view: z.number(),
      order_mismatch: z.number(),
      category_proposed: z.number(),
      classification_failed: z.number(),
    }),
  ),
  /** False while the service still counts. */
  complete: z.boolean(),
});
export type Statistics = Read<served.StatisticsAnswer, z.output<typeof statistics>>;

export const status = z.object({
  network: z.extend(networkId, { purpose: z.string() }),
  shadow: z.optional(
    z.object({
      network: z.optional(networkId),
      problem: z.optional(z.string()),
      failure: z.optional(failure),
    }),
  ),
  engine: z.object({
    engine: z.string(),
    device: z.string(),
    declined: z.array(z.object({ engine: z.string(), reason: z.string(), failure: z.optional(failure) })),
  }),
  queue: z.object({ waiting: z.number(), running: z.number(), delayed: z.number() }),
  sweep: z.object({
    state: z.enum(['idle', 'running', 'waiting']),
    done: z.number(),
    total: z.number(),
    secondsLeft: z.optional(z.number()),
  }),
  orthanc: z.object({ up: z.boolean(), why: z.optional(z.string()), failure: z.optional(failure) }),
  stateProblem: z.optional(z.string()),
  stateFailure: z.optional(failure),
  orthancPages: z.string(),
  viewers: z.array(z.object({ name: z.string(), url: z.string() })),
  version: z.string(),
  streams: z.boolean(),
});
export type Status = Read<served.Status, z.output<typeof status>>;

export const problem = z.object({
  title: z.string(),
  status: z.number(),
  code: z.string(),
  /** What the sentence is about. Absent where there is nothing, and from older services. */
  params: z.optional(z.record(z.string(), z.unknown())),
});
export type Problem = z.output<typeof problem>;

export const decidedEvent = z.object({
  instance: z.string(),
  study: z.string(),
  decision,
  who: z.enum(['network', 'person']),
  when: z.string(),
});
export type DecidedEvent = Read<served.DecidedEvent, z.output<typeof decidedEvent>>;
