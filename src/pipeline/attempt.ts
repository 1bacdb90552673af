import type { Logger } from 'pino';
import { asPlainviewError, createError, type PlainviewError } from '../errors/errors.js';
import type { Metrics } from '../metrics/metrics.js';
import type { InstanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { Handler, Job, JobOutcome } from '../queue/queue.js';
import type { Outcome } from './pipeline.js';

interface Parts {
  process: (job: Job) => Promise<Outcome>;
  recordFailure: (job: Job, failure: { code: string; message: string }) => Promise<Outcome>;
  /** Asked whether Orthanc is away. The queue is paused then. */
  orthanc: Pick<Orthanc, 'isAway'>;
  attempts: number;
  metrics: Metrics;
  log: Logger;
}

/**
 * Outages of Orthanc during the job of one instance: a picture that crashes Orthanc must not crash it for ever. The
 * pauses before that separate it from the jobs that run at the same time.
 */
const mostOutages = 5;

/**
 * What becomes of a job: settled, or tried again after a pause, or – when its tries are used up, or the error
 * is of a kind that no repeat mends – recorded as failed with the reason.
 */
export function createHandler(parts: Parts): Handler {
  /** How often Orthanc has gone away from a job; of jobs that are not settled. */
  const outages = new Map<InstanceId, number>();

  return async (job) => {
    const log = parts.log.child({ instance: job.instance, attempt: job.attempt });
    const outcome = await attempt(job, log);
    if (outcome.kind === 'settled') outages.delete(job.instance);
    return outcome;
  };

  async function attempt(job: Job, log: Logger): Promise<JobOutcome> {
    const times = outages.get(job.instance) ?? 0;
    // Not looked at again: Orthanc is back, and is to stay.
    if (times >= mostOutages) return giveUp(job, createError('orthanc_toppled', { times }), log);
    try {
      settle(await parts.process(job), parts, log);
      return { kind: 'settled' };
    } catch (caught) {
      const error = asPlainviewError(caught);
      if (error.code === 'instance_gone') return gone(parts, log);
      parts.metrics.failures.inc({ code: error.code });
      if (await parts.orthanc.isAway(error)) return outage(job);
      if (error.transient && job.attempt < parts.attempts) {
        log.info({ err: error }, 'a try failed; it is tried again');
        return { kind: 'again', afterMs: pauseMs(job.attempt), spent: true };
      }
      return giveUp(job, error, log);
    }
  }

  function outage({ instance }: Job): JobOutcome {
    const times = (outages.get(instance) ?? 0) + 1;
    outages.set(instance, times);
    return { kind: 'again', afterMs: times === 1 ? 0 : pauseMs(times), spent: false };
  }

  async function giveUp(job: Job, error: PlainviewError, log: Logger): Promise<JobOutcome> {
    log.warn({ err: error }, 'given up');
    try {
      settle(await parts.recordFailure(job, { code: error.code, message: error.message }), parts, log);
      return { kind: 'settled' };
    } catch (caught) {
      const second = asPlainviewError(caught);
      if (second.code === 'instance_gone') return gone(parts, log);
      if (await parts.orthanc.isAway(second)) return { kind: 'again', afterMs: 0, spent: false };
      log.error({ err: second }, 'the failure itself could not be recorded');
      // Only a person can mend that: a sweep after it finds the instance again.
      if (second.code === 'state_damaged') return { kind: 'settled' };
      // Unrecorded, so not settled: it stays with us, as seldom as the pauses go.
      return { kind: 'again', afterMs: pauseMs(job.attempt + 1), spent: false };
    }
  }
}

function gone(parts: Parts, log: Logger): JobOutcome {
  settle({ kind: 'skipped', why: 'gone' }, parts, log);
  return { kind: 'settled' };
}

function settle(outcome: Outcome, { metrics }: Parts, log: Logger): void {
  if (outcome.kind === 'skipped') {
    metrics.skipped.inc({ why: outcome.why });
    if (outcome.why === 'correction_put_back')
      log.info('Orthanc had lost what a person said of it: put back');
    else if (outcome.why === 'other_version')
      log.warn('another version of Plainview wrote a record of this instance: left alone');
    else log.debug({ why: outcome.why }, 'left alone');
    return;
  }
  metrics.decisions.inc({ decision: outcome.decision, category: outcome.category ?? 'none' });
  log.info({ decision: outcome.decision, category: outcome.category, ms: outcome.ms }, 'decided');
}

/** 1, 2, 4 … 60 s, each up to a half longer by chance, so that jobs that failed together do not return together. */
const pauseMs = (attempt: number): number =>
  Math.min(1000 * 2 ** (attempt - 1), 60_000) * (1 + Math.random() / 2);
