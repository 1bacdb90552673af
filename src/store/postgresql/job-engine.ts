import { Logger as EngineLogger } from 'graphile-worker';
import type { Logger } from 'pino';

/** The schema of the job engine's tables. */
export const jobSchema = 'plainview_jobs';

/** The engine tells each job and each retry. Plainview's own lines say what a person needs. */
export const quietLogger = (log: Logger): EngineLogger =>
  new EngineLogger(() => (_level, message) => log.debug({ engine: message }, 'the job engine'));

/**
 * Jobs of workers that no member has are free: of a process that took one after its membership had ended, or of a worker
 * whose connection broke. And the engine keeps for ever what was added again while it ran, and whose process then died.
 */
export const freeJobs = [
  `SELECT ${jobSchema}.force_unlock_workers(ARRAY(
     SELECT DISTINCT locked_by FROM ${jobSchema}.jobs WHERE locked_by IS NOT NULL
       AND NOT EXISTS (SELECT FROM plainview.members WHERE locked_by = ANY(workers))
   ))`,
  `DELETE FROM ${jobSchema}._private_jobs WHERE locked_at IS NULL AND key IS NULL`,
];
