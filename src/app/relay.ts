import type { Logger } from 'pino';
import { z } from 'zod';
import type { Recorder } from '../decisions/recorder.js';
import { instanceRecord } from '../decisions/schema.js';
import type { Routing } from '../followups/routing/routing.js';
import { type InstanceId, instanceId, studyId } from '../orthanc/ids.js';
import type { Part } from './lifecycle.js';
import type { Shared } from './service-interface.js';

/** As one process of an archive tells it to the leader. A newer version may tell more. */
const message = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('recorded'),
    instance: instanceId,
    study: studyId,
    record: instanceRecord,
    previous: instanceRecord.optional(),
    receivedMs: z.number().optional(),
    sameExposure: z.array(z.object({ instance: instanceId, record: instanceRecord })),
  }),
  z.object({ kind: z.literal('route'), instance: instanceId, to: z.string() }),
]);

/** What other processes decide reaches the leader, which counts, shows and sends it. */
export class Relay {
  readonly #shared: Shared;
  readonly #log: Logger;

  constructor(shared: Shared, log: Logger) {
    this.#shared = shared;
    this.#log = log;
  }

  /** Tells the leader what this process decides, unless it is the leader. */
  tell({ events }: Pick<Recorder, 'events'>): void {
    events.on('recorded', (recorded) => {
      if (!this.#shared.leads) this.#shared.messages.publish({ kind: 'recorded', ...recorded });
    });
  }

  /** @returns false where this process is the leader */
  route(instance: InstanceId, to: string): boolean {
    if (this.#shared.leads) return false;
    this.#shared.messages.publish({ kind: 'route', instance, to });
    return true;
  }

  /** The leader's part: what others tell counts as its own. */
  receive({ events }: Pick<Recorder, 'events'>, routing: Pick<Routing, 'enqueue'> | undefined): Part {
    return this.#shared.messages.receive((content) => {
      const { data: told, error } = message.safeParse(content);
      if (told === undefined) this.#log.warn({ err: error }, 'a message of another version was left unread');
      else if (told.kind === 'route') routing?.enqueue(told.instance, told.to);
      else events.emit('recorded', { ...told, previous: told.previous });
    });
  }
}
