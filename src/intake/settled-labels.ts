import type { Logger } from 'pino';
import { z } from 'zod';
import { detached } from '../async/detached.js';
import type { CorrectionStore } from '../decisions/correction-store.js';
import { asPlainviewError } from '../errors/errors.js';
import type { Queue } from '../queue/queue.js';
import { readOrSetAside, type Store } from '../store/store.js';

const key = 'settled-labels';
const done = z.object({ version: z.literal(1) });

interface Parts {
  store: Store;
  corrections: Pick<CorrectionStore, 'allInstances'>;
  queue: Pick<Queue, 'enqueue'>;
  log: Logger;
}

/**
 * Older versions left the label of a state on what a person had settled. So each instance that people have decided about
 * gets a job once, which corrects its labels. Jobs that a stop cuts off are left to the next sweep.
 */
export class SettledLabels {
  readonly #parts: Parts;
  #run: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    const { log } = this.#parts;
    this.#run = detached(() => this.#correct()).catch((error: unknown) =>
      log.error(
        { err: asPlainviewError(error) },
        'labels of what people have settled were not all corrected; the next start tries again',
      ),
    );
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#run;
  }

  async #correct(): Promise<void> {
    const { store, corrections, queue, log } = this.#parts;
    if ((await readOrSetAside(store, key, done, log)) !== undefined) return;
    let instances = 0;
    for await (const some of corrections.allInstances()) {
      if (this.#isStopped) return;
      // Not as a sweep: that would have the network in use decide anew what another one decided.
      for (const instance of some) queue.enqueue(instance, 'changes');
      instances += some.length;
    }
    if (instances > 0)
      log.info({ instances }, 'labels of what people have decided are compared and corrected');
    await store.write(key, { version: 1 });
  }
}
