import { z } from 'zod';

/** A coded entry: value, coding scheme designator, meaning (PS3.3 section 8). */
export const code = z.object({ value: z.string(), scheme: z.string(), meaning: z.string() });
export type Code = z.output<typeof code>;
