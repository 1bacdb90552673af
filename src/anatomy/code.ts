import { z } from 'zod';

/** A coded entry: value, coding scheme designator, meaning (PS3.3 section 8). */
export const code = z.object({ value: z.string(), scheme: z.string(), meaning: z.string() });
export type Code = z.output<typeof code>;

/** No backslash, which separates values in DICOM, and no control characters: as numbers, which each JSON Schema validator knows. */
const character = '[^\\\\\\u0000-\\u001f\\u007f-\\u009f]';

/** YAML reads digits as a number, and a number loses digits of a long code. */
const text = (max: number) =>
  z
    .string('must be text; write digits in quotes')
    .regex(new RegExp(`^${character}{1,${max}}$`, 'u'), `must be 1 to ${max} characters, without \\`);

/** A code in a file of the site, in the lengths of SH and LO. */
export const siteCode = z.strictObject({
  value: text(16),
  scheme: text(16).default('SCT'),
  meaning: text(64),
});
