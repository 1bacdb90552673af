import { z } from 'zod';
import { instanceRecord } from '../decisions/schema.js';
import { anyId, label, uid } from '../orthanc/ids.js';
import { category } from './named.js';

const day = z.iso.date('must look like 2026-01-31');
const tag = z.string().regex(/^[A-Za-z]{1,64}$/, 'must be the keyword of a DICOM attribute');

/** Selects instances: those that are named, or those that fulfil every given condition. */
export const selection = z
  .strictObject({
    ids: z.array(anyId).max(10_000).optional().describe("Orthanc's identifiers, of any level."),
    uids: z.array(uid).max(10_000).optional().describe('Study, Series or SOP Instance UIDs.'),
    category: category.optional().describe('The category of the decision.'),
    label: label.optional().describe('A label that the instance carries.'),
    decision: instanceRecord.shape.decision.optional(),
    minScore: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe("Lower limit of the network's best score. It does not exclude decisions of persons."),
    maxScore: z.number().min(0).max(1).optional().describe("Upper limit of the network's best score."),
    network: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .describe('Decided by this network: its name, or the beginning of its SHA-256.'),
    otherVersion: z
      .literal(true)
      .optional()
      .describe('Only instances with a record of another version of Plainview, which leaves them alone.'),
    query: z
      .record(tag, z.string().max(256))
      .optional()
      .describe("DICOM attributes as in Orthanc's /tools/find: `*` stands for anything."),
    from: day.optional().describe('Study Date from this day on.'),
    to: day.optional().describe('Study Date up to this day.'),
    all: z.literal(true).optional().describe('Everything; needed where no condition is given.'),
  })
  .refine(
    ({ query, ...others }) =>
      Object.values(others).some((value) => value !== undefined) ||
      // PS3.4 C.2.2.2.3 and C.2.2.2.4: no value, and `*`, match whatever there is.
      Object.values(query ?? {}).some((value) => /[^*]/.test(value)),
    { message: 'names nothing: give identifiers, a condition that not everything fulfils, or all' },
  )
  // With identifiers, Orthanc is not searched, so these conditions would have no effect.
  .superRefine(({ ids, uids, query, from, to }, issues) => {
    if (ids === undefined && uids === undefined) return;
    for (const [name, value] of Object.entries({ query, from, to }))
      if (value !== undefined)
        issues.addIssue({
          code: 'custom',
          path: [name],
          message: 'does not go with identifiers',
          input: value,
        });
  });
export type Selection = z.output<typeof selection>;
