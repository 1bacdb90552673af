import type { Logger } from 'pino';
import { detached } from '../async/detached.js';
import { sleep } from '../async/sleep.js';
import { asPlainviewError } from '../errors/errors.js';
import type { InstanceId } from '../orthanc/ids.js';
import type { JobTable } from './job-table.js';
import { type Job, moreUrgent, type Reason } from './queue.js';

/** Jobs that are written to the database in one statement. */
const batchSize = 1000;
/** Between two tries while the database is away. */
const retryMs = 1000;

interface Unwritten {
  reason: Reason;
  settled: readonly (() => void)[];
}

interface Parts {
  table: JobTable;
  /** Told which job is in the database now, and who waits for its end. */
  onWritten: (instance: InstanceId, settled: readonly (() => void)[]) => void;
  stopped: AbortSignal;
  log: Logger;
}

/** Writes jobs to the database. What was enqueued in the same turn, or while it is away, is written together. */
export class JobWriter {
  readonly #parts: Parts;
  readonly #unwritten = new Map<InstanceId, Unwritten>();
  #writing: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#unwritten.size;
  }

  enqueue(instance: InstanceId, reason: Reason, settled: readonly (() => void)[]): void {
    const known = this.#unwritten.get(instance);
    this.#unwritten.set(instance, {
      reason: moreUrgent(reason, known?.reason),
      settled: [...(known?.settled ?? []), ...settled],
    });
    this.#writing ??= detached(() => this.#write());
  }

  /** @returns what could not be written */
  async stop(): Promise<Job[]> {
    await this.#writing;
    return [...this.#unwritten].map(([instance, { reason }]) => ({ instance, reason, attempt: 1 }));
  }

  async #write(): Promise<void> {
    const { stopped, log } = this.#parts;
    await new Promise(setImmediate);
    while (this.#unwritten.size > 0) {
      const batch = this.#takeBatch();
      const left = await this.#add(batch).catch((error: unknown) => {
        log.debug({ err: asPlainviewError(error) }, 'jobs could not be written');
        return batch;
      });
      // Enqueued again meanwhile, it is one job all the same.
      for (const [instance, { reason, settled }] of left) this.enqueue(instance, reason, settled);
      if (left.length > 0) {
        if (stopped.aborted) break;
        await sleep(left === batch ? retryMs : 1, stopped);
      }
    }
    this.#writing = undefined;
  }

  #takeBatch(): [InstanceId, Unwritten][] {
    const batch: [InstanceId, Unwritten][] = [];
    for (const entry of this.#unwritten) {
      if (batch.length === batchSize) break;
      batch.push(entry);
      this.#unwritten.delete(entry[0]);
    }
    return batch;
  }

  /** @returns those that a process has taken at this moment: they must be added once more */
  async #add(batch: [InstanceId, Unwritten][]): Promise<[InstanceId, Unwritten][]> {
    const { table, onWritten } = this.#parts;
    const added = await table.add(batch.map(([instance, { reason }]) => ({ instance, reason })));
    for (const [instance, { settled }] of batch) if (added.has(instance)) onWritten(instance, settled);
    return batch.filter(([instance]) => !added.has(instance));
  }
}
