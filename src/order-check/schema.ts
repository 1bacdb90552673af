import { z } from 'zod';

export const orderAnswer = z.enum(['agrees', 'differs', 'cannot_tell']);
export type OrderAnswer = z.output<typeof orderAnswer>;

const orderFinding = z.object({
  answer: orderAnswer,
  /** For a person to read. */
  reason: z.string(),
});
export type OrderFinding = z.output<typeof orderFinding>;

/**
 * How the decision compares with what DICOM says was ordered; a part of the decision's record. The network knows no
 * sides: `side` compares what DICOM says of the picture with what it says of the order.
 */
export const orderRecord = z.object({
  /** `differs` if any finding does; `agrees` if the body part does and nothing differs. */
  answer: orderAnswer,
  bodyPart: orderFinding,
  projection: orderFinding,
  side: orderFinding,
  /** What was understood of the descriptions: only words of the lists, no free text. */
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
