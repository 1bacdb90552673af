import type { Orthanc } from '../orthanc/orthanc.js';
import { recordOf } from '../record/read.js';
import type { Ledger } from './ledger.js';
import type { Outbox } from './outbox.js';
import { routesOf } from './routes.js';

const pageSize = 200;

/**
 * Finds what is still to be sent, by its label, and hands it to the outboxes in the order in which it was asked for.
 * What no rule sends any more is noted as skipped.
 */
export async function findPending(
  orthanc: Orthanc,
  ledger: Ledger,
  outboxes: ReadonlyMap<string, Outbox>,
): Promise<number> {
  const ids = await orthanc.findLabelled(ledger.pendingLabel);
  const found: { asked: string; instance: (typeof ids)[number]; to: string }[] = [];
  for (let from = 0; from < ids.length; from += pageSize)
    for (const instance of await orthanc.instances(ids.slice(from, from + pageSize))) {
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
      if (known !== undefined && pending.length === 0)
        await ledger.exclusively(instance.ID, async () => {
          const [now] = await orthanc.instances([instance.ID]);
          const routes = now && routesOf(now);
          if (now !== undefined && routes !== undefined) await ledger.write(now, routes);
        });
    }
  found.sort((a, b) => (a.asked < b.asked ? -1 : 1));
  for (const { instance, to } of found) outboxes.get(to)?.enqueue(instance);
  return found.length;
}
