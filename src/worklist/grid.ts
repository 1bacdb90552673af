import { z } from 'zod';
import { slices } from '../async/slices.js';
import type { Grid } from '../contract/confirmations.js';
import { category } from '../contract/named.js';
import { shownCategory } from '../decisions/correction.js';
import { recordOf } from '../decisions/read.js';
import { pictureOf } from '../decisions/tags-record.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { IdentifiedInstance } from '../orthanc/resources.js';

export const gridQuery = z
  .strictObject({
    state: z
      .enum(['needs_review', 'category'])
      .default('needs_review')
      .describe('needs_review: by the best category. category: what the network has given.'),
    category: category.optional().describe('Needed with category; else the most frequent one is taken.'),
    since: z.coerce.number().int().min(0).max(1_000_000_000).default(0).describe('`next` of another answer.'),
    limit: z.coerce.number().int().min(1).max(200).default(90),
  })
  .refine(({ state, category }) => state === 'needs_review' || category !== undefined, {
    path: ['category'],
    message: 'is needed with the state category',
  });
export type GridQuery = z.output<typeof gridQuery>;

/** Instances that one answer looks through: the last received. It bounds memory, and time. */
const mostRead = 2000;
/** Instances that one call reads. */
const chunk = 200;

/** Pictures of one category that a person can confirm together. The most doubtful come first. */
export async function gridOf(
  { search, hierarchy }: Pick<Orthanc, 'search' | 'hierarchy'>,
  labelPrefix: string,
  { state, category: wanted, since, limit }: GridQuery,
): Promise<Grid> {
  const label = labelPrefix + (state === 'category' ? wanted : state);
  const ids = await search.labelledNewest(label, {}, { since, limit: mostRead });
  const found = new Map<string, Grid['pictures']>();
  for (const slice of slices(ids, chunk))
    for (const instance of await hierarchy.instances(slice)) {
      const [named, picture] = confirmable(instance, state) ?? [];
      if (named === undefined || picture === undefined) continue;
      const known = found.get(named);
      if (known === undefined) found.set(named, [picture]);
      else known.push(picture);
    }
  const categories = [...found]
    .map(([name, { length: count }]) => ({ category: name, count }))
    .sort((one, other) => other.count - one.count);
  const shown = wanted ?? categories[0]?.category;
  const pictures = shown === undefined ? [] : (found.get(shown) ?? []);
  return {
    ...(shown === undefined ? {} : { category: shown }),
    pictures: pictures.sort((one, other) => one.score - other.score).slice(0, limit),
    categories,
    ...(ids.length < mostRead ? {} : { next: since + ids.length }),
  };
}

/** @returns the category that a confirmation would say, and the picture */
function confirmable(
  instance: IdentifiedInstance,
  state: GridQuery['state'],
): [string, Grid['pictures'][number]] | undefined {
  const { record } = recordOf(instance) ?? {};
  if (record?.who !== 'network' || record.decision !== state) return undefined;
  const shown = shownCategory(record);
  if (shown === null) return undefined;
  const score = record.top.find((each) => each.category === shown)?.score ?? 0;
  const differs = record.order?.answer === 'differs';
  return [shown, { instance: instance.ID, of: record.when, picture: pictureOf(instance), score, differs }];
}
