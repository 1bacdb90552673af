import { slices } from '../async/slices.js';
import type { Selection } from '../contract/selection.js';
import { recordOf } from '../decisions/read.js';
import { hasOtherVersion } from '../decisions/versions.js';
import { studyDates } from '../orthanc/dates.js';
import { type AnyId, anyId, type SeriesId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { InstanceContent } from '../orthanc/resources.js';

const pageSize = 100;

/**
 * The selected radiographs in pages, each with its metadata. Writes to them between two pages do not shift the pages:
 * series keep their order, and all instances with a label are listed before the first page is returned.
 * @param retry runs each step, and may run it again. A generator that has thrown returns nothing more, so a retry must
 *   happen inside it. If `retry` returns undefined, the list ends.
 */
export async function* select(
  orthanc: Orthanc,
  wanted: Selection,
  modalities: readonly string[],
  retry: <T>(step: () => Promise<T>) => Promise<T | undefined> = (step) => step(),
): AsyncGenerator<InstanceContent[]> {
  for await (const ids of pages(orthanc, wanted, modalities, retry)) {
    const instances = await retry(() => orthanc.hierarchy.instancesBelow(ids, modalities));
    if (instances === undefined) return;
    yield instances.filter((instance) => matches(instance, wanted));
  }
}

async function* pages(
  orthanc: Orthanc,
  wanted: Selection,
  modalities: readonly string[],
  retry: <T>(step: () => Promise<T>) => Promise<T | undefined>,
): AsyncGenerator<(AnyId | SeriesId)[]> {
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
      const page = await retry(() =>
        orthanc.search.labelledPage([label], query, { since, limit: pageSize * 10 }),
      );
      if (page === undefined) return;
      // A short page is not the last one: Orthanc may have its own limit (LimitFindInstances).
      if (page.length === 0) break;
      ids.push(...page.map((id) => anyId.parse(id)));
    }
    yield* slices(ids, pageSize);
    return;
  }
  for (let since = 0; ; ) {
    const page = await retry(() => orthanc.search.series(query, { since, limit: pageSize }));
    if (page === undefined || page.length === 0) return;
    const found = await retry(() => orthanc.hierarchy.withRadiographs(page, modalities));
    if (found === undefined) return;
    if (found.holding.length > 0) yield found.holding.map(({ id }) => id);
    since += page.length;
  }
}

function matches(instance: InstanceContent, wanted: Selection): boolean {
  const { label, decision, category, network, minScore = 0, maxScore = 1 } = wanted;
  if (label !== undefined && !instance.Labels.includes(label)) return false;
  if (wanted.otherVersion && !hasOtherVersion(instance)) return false;
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
