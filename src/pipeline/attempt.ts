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
  /** How long a job must wait because the process ended during it before, milliseconds. */
  pauseMs: (instance: InstanceId) => number;
  orthanc: Pick<Orthanc, 'isAway'>;
  attempts: number;
  metrics: Metrics;
  log: Logger;
}

/**
 * After so many outages of Orthanc during the job of one instance, that instance is recorded as failed: its picture may
 * crash Orthanc. The back-off between these attempts separates it from the jobs that ran at the same time.
 */
const maxOutages = 5;

/**
 * Makes the queue's handler. A job is settled or retried after a delay. It is recorded as failed, with the reason, when
 * its attempts are used up or its error is not transient.
 */
export function createHandler(parts: Parts): Handler {
  /** How often Orthanc went away during each job that is not settled. */
  const outages = new Map<InstanceId, number>();
  /** How often the state folder could not be written during each job that is not settled. */
  const unkept = new Map<InstanceId, number>();

  return async (job) => {
    const pause = parts.pauseMs(job.instance);
    if (pause > 0) return { kind: 'retry', afterMs: pause, countsAsAttempt: false };
    const log = parts.log.child({ instance: job.instance, attempt: job.attempt });
    const outcome = await attempt(job, log);
    if (outcome.kind === 'settled') for (const times of [outages, unkept]) times.delete(job.instance);
    return outcome;
  };

  async function attempt(job: Job, log: Logger): Promise<JobOutcome> {
    const times = outages.get(job.instance) ?? 0;
    // Orthanc is back. The instance is not processed again, so that Orthanc stays up.
    if (times >= maxOutages) return recordAsFailed(job, createError('orthanc_toppled', { times }), log);
    try {
      report(await parts.process(job), parts, log);
      return { kind: 'settled' };
    } catch (caught) {
      const error = asPlainviewError(caught);
      if (error.code === 'instance_gone') return settleGone(parts, log);
      parts.metrics.failures.inc({ code: error.code });
      if (await parts.orthanc.isAway(error)) return outage(job);
      if (error.code === 'state_unusable') return waitForState(job, error, log);
      if (error.transient && job.attempt < parts.attempts) {
        log.info({ err: error }, 'an attempt failed; it will be retried');
        return { kind: 'retry', afterMs: backoffMs(job.attempt), countsAsAttempt: true };
      }
      return recordAsFailed(job, error, log);
    }
  }

  function outage({ instance }: Job): JobOutcome {
    const times = (outages.get(instance) ?? 0) + 1;
    outages.set(instance, times);
    return { kind: 'retry', afterMs: times === 1 ? 0 : backoffMs(times), countsAsAttempt: false };
  }

  /** A full disk says nothing of the instance, so the job waits until somebody has made room. */
  function waitForState({ instance }: Job, error: PlainviewError, log: Logger): JobOutcome {
    const times = (unkept.get(instance) ?? 0) + 1;
    unkept.set(instance, times);
    log.info({ err: error }, 'the job waits until the state folder can be written');
    return { kind: 'retry', afterMs: backoffMs(times), countsAsAttempt: false };
  }

  async function recordAsFailed(job: Job, error: PlainviewError, log: Logger): Promise<JobOutcome> {
    log.warn({ err: error }, 'the job failed');
    try {
      report(await parts.recordFailure(job, { code: error.code, message: error.message }), parts, log);
      return { kind: 'settled' };
    } catch (caught) {
      const second = asPlainviewError(caught);
      if (second.code === 'instance_gone') return settleGone(parts, log);
      if (await parts.orthanc.isAway(second)) return { kind: 'retry', afterMs: 0, countsAsAttempt: false };
      log.error({ err: second }, 'the failure could not be recorded');
      // Only a person can repair the state folder. A sweep after that finds the instance again.
      if (second.code === 'state_damaged') return { kind: 'settled' };
      // A job whose failure is not recorded is not settled. It is retried with the usual back-off.
      return { kind: 'retry', afterMs: backoffMs(job.attempt + 1), countsAsAttempt: false };
    }
  }
}

function settleGone(parts: Parts, log: Logger): JobOutcome {
  report({ kind: 'skipped', why: 'gone' }, parts, log);
  return { kind: 'settled' };
}

function report(outcome: Outcome, { metrics }: Parts, log: Logger): void {
  if (outcome.kind === 'skipped') {
    metrics.skipped.inc({ why: outcome.why });
    if (outcome.why === 'correction_put_back')
      log.info("a person's decision of this picture was known: it was written again");
    else if (outcome.why === 'other_version')
      log.warn(
        'another version of Plainview wrote a record of this instance: left alone; `plainview find --other-version` lists all',
      );
    else log.debug({ why: outcome.why }, 'skipped');
    return;
  }
  metrics.decisions.inc({ decision: outcome.decision, category: outcome.category ?? 'none' });
  log.info({ decision: outcome.decision, category: outcome.category, ms: outcome.ms }, 'decided');
}

/** 1, 2, 4 … 60 s, plus up to half of that at random, so that jobs that failed together do not return together. */
const backoffMs = (attempt: number): number =>
  Math.min(1000 * 2 ** (attempt - 1), 60_000) * (1 + Math.random() / 2);
