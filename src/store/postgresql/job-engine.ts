import { EventEmitter } from 'node:events';
import { Logger as EngineLogger, type WorkerEvents } from 'graphile-worker';
import type { Logger } from 'pino';

/** The schema of the job engine's tables. */
export const jobSchema = 'plainview_jobs';

/** The engine tells each job and each retry. Plainview's own lines say what a person needs. */
export const quietLogger = (log: Logger): EngineLogger =>
  new EngineLogger(() => (_level, message) => log.debug({ engine: message }, 'the job engine'));

/** @param onWorker is told the name of each worker that the engine makes */
export function workerEvents(onWorker: (name: string) => void): WorkerEvents {
  const events: WorkerEvents = new EventEmitter();
  events.on('worker:create', ({ worker }) => onWorker(worker.workerId));
  return events;
}
