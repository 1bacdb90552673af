import { bodyPartOf, type Categories, type CategoryCodes, projectionOf } from '../../anatomy/categories.js';
import type { Code } from '../../anatomy/code.js';
import { likeness, projections } from '../../anatomy/regions.js';
import type { InstanceRecord } from '../../decisions/schema.js';
import {
  type Keyword,
  keyword,
  tagOf,
  type Value,
  value,
  type Written,
} from '../../decisions/tags-record.js';
import type { OrderRecord } from '../../order-check/schema.js';
import type { Edit } from '../../orthanc/tag-editor.js';

export type TagsMode = 'off' | 'absent' | 'replace';
export type WantedTags = Partial<Record<Keyword, Value>>;

/** What a file should say for a decision; nothing where no category was given, or none that has codes. */
export function wantedTags(
  { decision, category, order }: Pick<InstanceRecord, 'decision' | 'category' | 'order'>,
  mode: TagsMode,
  categories: Categories,
): WantedTags {
  const codes = decision === 'category' && category !== undefined ? categories.codesOf(category) : undefined;
  // Filling gaps must not make a file contradict itself.
  if (codes === undefined || (mode === 'absent' && order?.answer === 'differs')) return {};
  const { region, bodyPartExamined, viewPosition, view } = codes;
  return {
    AnatomicRegionSequence: [item(region)],
    BodyPartExamined: bodyPartExamined,
    ...(viewPosition === undefined ? {} : { ViewPosition: viewPosition }),
    // PA says more of a frontal chest than the category does, and LL says something else.
    ...(viewPosition === undefined && mode === 'replace' && isOtherView(codes, order)
      ? { ViewPosition: '' }
      : {}),
    ...(view === undefined ? {} : { ViewCodeSequence: [item(view)] }),
  };
}

/** Whether the file's ViewPosition surely names another projection than the category's. */
function isOtherView(codes: CategoryCodes, order: OrderRecord | undefined): boolean {
  const meant = projectionOf(codes);
  const views = (order?.words ?? []).flatMap(({ attribute, means }) =>
    attribute === 'ViewPosition' ? projections.filter((known) => known === means) : [],
  );
  return (
    meant !== undefined &&
    views.length > 0 &&
    views.every((view) => likeness(view, meant, bodyPartOf(codes)) === 'other')
  );
}

/** PS3.3 section 8.8 */
const item = ({ value: code, scheme, meaning }: Code) => ({
  '0008,0100': code,
  '0008,0102': scheme,
  '0008,0104': meaning,
});

const isEmpty = (text: Value | undefined): boolean => text === undefined || text.length === 0;
const isSame = (a: Value | undefined, b: Value | undefined): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

/**
 * What to change in a file. What others wrote there is changed only in mode `replace`, what somebody changed after us
 * never.
 * @param file the dataset, by tag
 * @param former what we wrote before
 */
export function planTags(
  wanted: WantedTags,
  file: Record<string, unknown>,
  former: Written,
  mode: TagsMode,
): Edit & { written: Written } {
  const written: Written = {};
  const set: Record<string, Value> = {};
  const remove: string[] = [];
  for (const key of keyword.options) {
    const current = value.optional().safeParse(file[tagOf[key]]);
    const ours = former[key];
    // What cannot be read – binary, or too long for Orthanc to show – could not be put back.
    const isOthersNow = !current.success || (ours !== undefined && !isSame(current.data, ours.now));
    if (isOthersNow) {
      if (ours !== undefined) written[key] = ours;
      continue;
    }
    const was = ours === undefined ? current.data : ours.was;
    const now = wanted[key];
    const isWritten = now !== undefined && !isSame(now, was) && (isEmpty(was) || mode === 'replace');
    const next = isWritten ? now : was;
    if (isWritten) written[key] = { ...(was === undefined ? {} : { was }), now };
    if (isSame(next, current.data)) continue;
    if (next === undefined) remove.push(tagOf[key]);
    else set[tagOf[key]] = next;
  }
  return { written, set, remove };
}
