import { z } from 'zod';
import { slices } from '../async/slices.js';
import { recordOf } from '../decisions/read.js';
import { instanceRecord } from '../decisions/schema.js';
import { studyDates } from '../orthanc/dates.js';
import { type AnyId, anyId, label, uid } from '../orthanc/ids.js';
import type { InstanceContent } from '../orthanc/resources.js';
import type { Orthanc } from '../orthanc/orthanc.js';

const day = z.iso.date('must look like 2026-01-31');
const tag = z.string().regex(/^[A-Za-z]{1,64}$/, 'must be the keyword of a DICOM attribute');

/** Which instances are meant: what is named, or what fulfils every condition given. */
export const selection = z
  .strictObject({
    ids: z.array(anyId).max(10_000).optional().describe("Orthanc's identifiers, of any level."),
    uids: z.array(uid).max(10_000).optional().describe('Study, Series or SOP Instance UIDs.'),
    category: label.optional().describe('The category given.'),
    label: label.optional().describe('A label that the instance carries.'),
    decision: instanceRecord.shape.decision.optional(),
    minScore: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe("The network's score of it, at least; what a person has named is among them."),
    maxScore: z.number().min(0).max(1).optional().describe("The network's best score, at most."),
    network: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .describe('Decided by this network: its name, or the beginning of its SHA-256.'),
    query: z
      .record(tag, z.string().max(256))
      .optional()
      .describe("DICOM attributes as in Orthanc's /tools/find: `*` stands for anything."),
    from: day.optional().describe('Study Date from this day on.'),
    to: day.optional().describe('Study Date up to this day.'),
    all: z.literal(true).optional().describe('Everything; needed where no condition is given.'),
  })
  .refine((given) => Object.values(given).some((value) => value !== undefined), {
    message: 'names nothing: give identifiers, a condition, or all',
  })
  // Orthanc's search is asked for one or the other, so these would be passed over.
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

/** For whom it does not concern whose pictures were asked for: the attributes keep their names and lose their values. */
export const withoutValues = (wanted: Selection): Selection =>
  wanted.query === undefined
    ? wanted
    : { ...wanted, query: Object.fromEntries(Object.keys(wanted.query).map((keyword) => [keyword, '…'])) };

const pageSize = 100;

/**
 * The radiographs that are meant, page by page, each with its metadata. What is written to them meanwhile does not
 * shift the pages: series keep their order, and a label's instances are listed before the first is touched.
 * @param retry runs each step, and may run it again: after a step has thrown here, nothing more is given. Undefined ends
 *   the list.
 */
export async function* select(
  orthanc: Orthanc,
  wanted: Selection,
  modalities: readonly string[],
  retry: <T>(step: () => Promise<T>) => Promise<T | undefined> = (step) => step(),
): AsyncGenerator<InstanceContent[]> {
  for await (const ids of pages(orthanc, wanted, modalities, retry)) {
    const instances = await retry(() => orthanc.hierarchy.below(ids, modalities));
    if (instances === undefined) return;
    yield instances.filter((instance) => fulfils(instance, wanted));
  }
}

async function* pages(
  orthanc: Orthanc,
  wanted: Selection,
  modalities: readonly string[],
  retry: <T>(step: () => Promise<T>) => Promise<T | undefined>,
): AsyncGenerator<AnyId[]> {
  if (wanted.ids !== undefined || wanted.uids !== undefined) {
    const named = [...(wanted.ids ?? [])];
    for (const identifier of wanted.uids ?? [])
      named.push(...((await retry(() => orthanc.search.lookup(identifier))) ?? []).map(({ id }) => id));
    yield* slices(named, pageSize);
    return;
  }
  const query = { ...wanted.query, ...studyDates(wanted) };
  const { label } = wanted;
  if (label !== undefined) {
    const ids: AnyId[] = [];
    for (;;) {
      const { length: since } = ids;
      const page = await retry(() => orthanc.search.labelledPage([label], query, { since, limit: pageSize * 10 }));
      if (page === undefined) return;
      // Shorter than was asked for is no end: Orthanc may have a limit of its own (LimitFindInstances).
      if (page.length === 0) break;
      ids.push(...page.map((id) => anyId.parse(id)));
    }
    yield* slices(ids, pageSize);
    return;
  }
  for (let since = 0; ; ) {
    const page = await retry(() =>
      orthanc.search.series({ ...query, Modality: modalities.join('\\') }, { since, limit: pageSize }),
    );
    if (page === undefined || page.length === 0) return;
    yield page;
    since += page.length;
  }
}

function fulfils(instance: InstanceContent, wanted: Selection): boolean {
  const { label, decision, category, network, minScore = 0, maxScore = 1 } = wanted;
  if (label !== undefined && !instance.Labels.includes(label)) return false;
  const conditions = [decision, category, network, wanted.minScore, wanted.maxScore];
  if (conditions.every((condition) => condition === undefined)) return true;
  const record = recordOf(instance)?.record;
  if (record === undefined) return false;
  if (decision !== undefined && record.decision !== decision) return false;
  if (category !== undefined && record.category !== category) return false;
  if (network !== undefined && record.network.name !== network && !record.network.sha256.startsWith(network))
    return false;
  const score = record.top[0]?.score ?? 0;
  return (record.who === 'person' || score >= minScore) && score <= maxScore;
}
