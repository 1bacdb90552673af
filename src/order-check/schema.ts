import { z } from 'zod';

export const orderAnswer = z.enum(['agrees', 'differs', 'cannot_tell']);
export type OrderAnswer = z.output<typeof orderAnswer>;

const orderBecause = z.object({
  code: z.string(),
  /** What the picture shows, or its marker says, or the body part that was meant: as `means` of `words`. */
  shown: z.string().optional(),
  /** What attributes of DICOM say of it. */
  said: z.array(z.object({ attribute: z.string(), values: z.array(z.string()) })),
});
export type OrderBecause = z.output<typeof orderBecause>;

const orderFinding = z.object({
  answer: orderAnswer,
  /** For a person to read; in English. */
  reason: z.string(),
  /** The same for readers of another language. Absent in records of older versions; one that cannot be read is ignored. */
  because: orderBecause.optional().catch(undefined),
});
export type OrderFinding = z.output<typeof orderFinding>;

/**
 * The comparison of a decision with the order, as DICOM describes it. A part of the decision's record. The network does
 * not classify the side: `side` compares the DICOM attributes of the picture with those of the order, and with the marker on
 * the film where that was read.
 */
export const orderRecord = z.object({
  /** `differs` if any finding differs. Otherwise the answer for the body part. */
  answer: orderAnswer,
  bodyPart: orderFinding,
  projection: orderFinding,
  side: orderFinding,
  /** The words that were understood. They are words of the lists, never other text of the descriptions. */
  words: z.array(
    z.object({
      /** Keyword of the DICOM attribute. */
      attribute: z.string(),
      word: z.string(),
      /** A Body Part Examined (`KNEE`), a projection (`lateral`) or a side (`left`). */
      means: z.string(),
    }),
  ),
});
export type OrderRecord = z.output<typeof orderRecord>;
