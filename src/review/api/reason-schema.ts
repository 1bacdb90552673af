import * as z from 'zod/mini';

/** What the service says in English, and what the sentence says, for a sentence in another language. */

export const because = z.array(
  z.object({ code: z.string(), params: z.record(z.string(), z.union([z.string(), z.number()])) }),
);

export const finding = z.object({
  answer: z.enum(['agrees', 'differs', 'cannot_tell']),
  reason: z.string(),
  because: z.optional(
    z.object({
      code: z.string(),
      shown: z.optional(z.string()),
      said: z.array(z.object({ attribute: z.string(), values: z.array(z.string()) })),
    }),
  ),
});

/** An error that an answer names. */
export const failure = z.object({
  code: z.string(),
  message: z.string(),
  params: z.optional(z.record(z.string(), z.unknown())),
});
