import { z } from 'zod';

/** What rules on pictures and rules on studies have in common. */

/** One item, or a list of items. */
export const some = <T extends z.ZodType>(item: T, what: string) =>
  z
    .union([item, z.array(item).min(1)], { error: `must be ${what}, or a list of such` })
    .transform((given): z.output<T>[] => (Array.isArray(given) ? given : [given]));

const destination = some(z.string().min(1).max(128), 'a name');

/** What a rule can do. */
export const places = {
  peer: destination.optional(),
  modality: destination.optional(),
  dicomweb: destination.optional(),
  webhook: destination.optional(),
  label: some(z.string().regex(/^[A-Za-z0-9_-]{1,40}$/), 'letters, digits, _ and -, at most 40').optional(),
};

export const ruleName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}$/, 'must be letters, digits, spaces, _ . and -');

/** An empty list of conditions would hold always. */
export const hasCondition = (given: object): boolean =>
  Object.values(given).some((each) => each !== undefined);

/** When what was sent before is sent again. */
export const again = z.enum(['changed', 'always', 'never']);
