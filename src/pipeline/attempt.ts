import type { Logger } from 'pino';
import {
  asPlainviewError,
  createError,
  detailOf,
  type ErrorDetail,
  type PlainviewError,
} from '../errors/errors.js';
import type { Metrics } from '../metrics/metrics.js';
import { mayMeanAway } from '../orthanc/availability.js';
import type { InstanceId } from '../orthanc/ids.js';
import { KindCounts } from '../orthanc/kind-counts.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { Handler, Job, JobOutcome } from '../queue/queue.js';
import { isStoreAway } from '../store/store.js';
import { isDoubtful } from './failures.js';
import type { Outcome } from './pipeline.js';

interface Reporting {
  metrics: Metrics;
  leftAlone: KindCounts;
}

interface Parts {
  process: (job: Job) => Promise<Outcome>;
  recordFailure: (job: Job, failure: ErrorDetail) => Promise<Outcome>;
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
 * its attempts are used up or its error is not transient. An answer that Orthanc also gives while it has lost its database
 * counts when it comes twice, some time apart, and the database answers in between.
 */
export function createHandler(given: Parts): Handler {
  const parts = { ...given, leftAlone: new KindCounts() };
  /** How often Orthanc went away during each job that is not settled. */
  const outages = new Map<InstanceId, number>();
  /** The doubtful answer that Orthanc gave last during each job that is not settled. */
  const doubts = new Map<InstanceId, string>();
  /** How often the state could not be kept during each job that is not settled. */
  const unkept = new Map<InstanceId, number>();

  return async (job) => {
    const pause = parts.pauseMs(job.instance);
    if (pause > 0) return { kind: 'retry', afterMs: pause, countsAsAttempt: false };
    const log = parts.log.child({ instance: job.instance, attempt: job.attempt });
    const outcome = await attempt(job, log);
    if (outcome.kind === 'settled') for (const kept of [outages, doubts, unkept]) kept.delete(job.instance);
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
      if (await parts.orthanc.isAway(error)) return outage(job, error);
      if (isStoreAway(error)) return waitForState(job, error, log);
      const last = doubts.get(job.instance);
      if (
        isDoubtful(error.code) &&
        last !== error.code &&
        (last === undefined || job.attempt < parts.attempts)
      ) {
        doubts.set(job.instance, error.code);
        log.info({ err: error }, 'Orthanc is asked once more');
        return { kind: 'retry', afterMs: backoffMs(2), countsAsAttempt: true };
      }
      if (error.transient && job.attempt < parts.attempts) {
        log.info({ err: error }, 'an attempt failed; it will be retried');
        return { kind: 'retry', afterMs: backoffMs(job.attempt), countsAsAttempt: true };
      }
      return recordAsFailed(job, error, log);
    }
  }

  function outage({ instance }: Job, error: PlainviewError): JobOutcome {
    // Orthanc runs, and its database is away. No picture does that.
    if (!mayMeanAway(error) && error.code !== 'orthanc_timeout')
      return { kind: 'retry', afterMs: backoffMs(1), countsAsAttempt: false };
    const times = (outages.get(instance) ?? 0) + 1;
    outages.set(instance, times);
    return { kind: 'retry', afterMs: times === 1 ? 0 : backoffMs(times), countsAsAttempt: false };
  }

  /** A full disk says nothing of the instance, so the job waits until somebody has made room. */
  function waitForState({ instance }: Job, error: PlainviewError, log: Logger): JobOutcome {
    const times = (unkept.get(instance) ?? 0) + 1;
    unkept.set(instance, times);
    log.info({ err: error }, 'the job waits until the state can be kept');
    return { kind: 'retry', afterMs: backoffMs(times), countsAsAttempt: false };
  }

  async function recordAsFailed(job: Job, error: PlainviewError, log: Logger): Promise<JobOutcome> {
    log.warn({ err: error }, 'the job failed');
    try {
      report(await parts.recordFailure(job, detailOf(error)), parts, log);
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

function settleGone(parts: Reporting, log: Logger): JobOutcome {
  report({ kind: 'skipped', why: 'gone' }, parts, log);
  return { kind: 'settled' };
}

function report(outcome: Outcome, { metrics, leftAlone }: Reporting, log: Logger): void {
  if (outcome.kind === 'skipped') {
    metrics.skipped.inc({ why: outcome.why });
    if (outcome.why === 'correction_put_back')
      log.info("a person's decision of this picture was known: it was written again");
    else if (outcome.why === 'other_version')
      log.warn(
        'another version of Plainview wrote a record of this instance: left alone; `plainview find --other-version` lists all',
      );
    else log.debug({ why: outcome.why }, 'skipped');
    if (outcome.why === 'modality') {
      const { kind, isFirst } = leftAlone.count(outcome.kinds ?? []);
      metrics.leftAlone.inc({ modality: kind });
      if (isFirst)
        log.info(
          { modality: kind },
          'left alone for its Modality, which is not in PLAINVIEW_MODALITIES; others like it are only counted: plainview_left_alone_total',
        );
    }
    return;
  }
  metrics.decisions.inc({ decision: outcome.decision, category: outcome.category ?? 'none' });
  log.info({ decision: outcome.decision, category: outcome.category, ms: outcome.ms }, 'decided');
}

/** 1, 2, 4 … 60 s, plus up to half of that at random, so that jobs that failed together do not return together. */
const backoffMs = (attempt: number): number =>
  Math.min(1000 * 2 ** (attempt - 1), 60_000) * (1 + Math.random() / 2);
