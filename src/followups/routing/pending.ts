import { recordOf } from '../../decisions/read.js';
import type { InstanceId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { Ledger } from './ledger.js';
import type { Outbox } from './outbox.js';
import { routesOf } from './routes-record.js';

/**
 * Finds what is still to be sent, by its label, and hands it to the outboxes in the order in which it was asked for.
 * What no rule sends any more is noted as skipped.
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
    // Killed between the label and the note, or between the note and the label's end.
    if (known !== undefined && pending.length === 0) await ledger.rewrite(instance.ID, (now) => now);
  }
  found.sort((a, b) => (a.asked < b.asked ? -1 : 1));
  for (const { instance, to } of found) outboxes.get(to)?.enqueue(instance);
  return found.length;
}
