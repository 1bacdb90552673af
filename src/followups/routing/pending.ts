import { recordOf } from '../../decisions/read.js';
import type { InstanceId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { GroupLabels } from './group-labels.js';
import type { Ledger } from './ledger.js';
import type { Outbox } from './outbox.js';
import { isPendingRoute, routesOf, studyRoutesOf } from './routes-record.js';
import type { DueStudy, StudyLedger } from './studies/ledger.js';

/**
 * Finds the pending routes by their label, and enqueues them in the order in which they were made. A route whose
 * destination is in no rule is recorded as skipped.
 * @returns the number of routes enqueued
 */
export async function findPending(
  orthanc: Orthanc,
  ledger: Ledger,
  outboxes: ReadonlyMap<string, Outbox>,
): Promise<number> {
  const found: { asked: string; instance: InstanceId; to: string }[] = [];
  for await (const instance of orthanc.search.labelledWithMetadata(ledger.pendingLabel)) {
    const known = routesOf(instance);
    const of = recordOf(instance)?.record.when;
    const pending = (known?.routes ?? []).filter(({ state }) => state === 'pending');
    for (const route of pending) {
      if (!outboxes.has(route.to))
        await ledger.end(instance.ID, route, {
          state: 'skipped',
          why: 'no rule names this destination any more',
        });
      else if (route.of === of) found.push({ asked: route.asked, instance: instance.ID, to: route.to });
    }
    // The service was killed between writing the label and the record. This corrects the label.
    if (known !== undefined && pending.length === 0) await ledger.update(instance.ID, (now) => now);
  }
  found.sort((a, b) => (a.asked < b.asked ? -1 : 1));
  for (const { instance, to } of found) outboxes.get(to)?.enqueue(instance);
  return found.length;
}

/** The same for studies. @returns the number of routes enqueued */
export async function findPendingStudies(
  orthanc: Orthanc,
  { ledger, groupLabels }: { ledger: StudyLedger; groupLabels: GroupLabels },
  label: string,
  outboxes: ReadonlyMap<string, Pick<Outbox<DueStudy>, 'enqueue'>>,
): Promise<number> {
  let count = 0;
  for (const study of await orthanc.search.studiesLabelled(
    label,
    {},
    { since: 0, limit: Number.POSITIVE_INFINITY },
  )) {
    const group = await orthanc.hierarchy.group('studies', study);
    const known = group && studyRoutesOf(group);
    // Somebody else put the label there.
    if (known === undefined) continue;
    for (const route of known.routes.filter(isPendingRoute)) {
      const outbox = outboxes.get(route.to);
      if (outbox === undefined)
        await ledger.end(study, route, {
          state: 'skipped',
          why: 'no rule names this destination any more',
        });
      else {
        outbox.enqueue(study);
        count++;
      }
    }
    // The service was killed between writing the record and the label. This corrects the label.
    if (!known.routes.some(isPendingRoute)) await groupLabels.update(study);
  }
  return count;
}
