import type { Logger } from 'pino';
import { asPlainview, isAway, type PlainviewError } from '../errors.js';
import type { Metrics } from '../metrics.js';
import type { Handler, Job, Verdict } from '../queue/queue.js';
import type { Outcome } from './pipeline.js';

interface Parts {
  process: (job: Job) => Promise<Outcome>;
  recordFailure: (job: Job, failure: { code: string; message: string }) => Promise<Outcome>;
  /** Told that Orthanc is away; it pauses the queue. */
  onAway: (error: PlainviewError) => void;
  attempts: number;
  metrics: Metrics;
  log: Logger;
}

/**
 * What becomes of a job: settled, or tried again after a pause, or – when its tries are used up, or the error
 * is of a kind that no repeat mends – recorded as failed with the reason.
 */
export function createHandler(parts: Parts): Handler {
  return async (job) => {
    const log = parts.log.child({ instance: job.instance, attempt: job.attempt });
    try {
      settle(await parts.process(job), parts, log);
      return { kind: 'settled' };
    } catch (caught) {
      const error = asPlainview(caught);
      if (error.code === 'instance_gone') return gone(parts, log);
      parts.metrics.failures.inc({ code: error.code });
      if (isAway(error)) return away(error, parts);
      if (error.passing && job.attempt < parts.attempts) {
        log.info({ err: error }, 'tried in vain, will be tried again');
        return { kind: 'again', afterMs: pauseMs(job.attempt), spent: true };
      }
      return giveUp(job, error, parts, log);
    }
  };
}

async function giveUp(job: Job, error: PlainviewError, parts: Parts, log: Logger): Promise<Verdict> {
  log.warn({ err: error }, 'given up: recorded as classification_failed');
  try {
    settle(await parts.recordFailure(job, { code: error.code, message: error.message }), parts, log);
    return { kind: 'settled' };
  } catch (caught) {
    const second = asPlainview(caught);
    if (second.code === 'instance_gone') return gone(parts, log);
    if (isAway(second)) return away(second, parts);
    // Unrecorded, so not settled: it stays with us, as seldom as the pauses go.
    log.error({ err: second }, 'the failure itself could not be recorded');
    return { kind: 'again', afterMs: pauseMs(job.attempt + 1), spent: false };
  }
}

function away(error: PlainviewError, parts: Parts): Verdict {
  parts.onAway(error);
  return { kind: 'again', afterMs: 0, spent: false };
}

function gone(parts: Parts, log: Logger): Verdict {
  settle({ kind: 'skipped', why: 'gone' }, parts, log);
  return { kind: 'settled' };
}

function settle(outcome: Outcome, { metrics }: Parts, log: Logger): void {
  if (outcome.kind === 'skipped') {
    metrics.skipped.inc({ why: outcome.why });
    log.debug({ why: outcome.why }, 'left alone');
    return;
  }
  metrics.decisions.inc({ decision: outcome.decision, category: outcome.category ?? 'none' });
  log.info({ decision: outcome.decision, category: outcome.category, ms: outcome.ms }, 'decided');
}

/** 1, 2, 4 … 60 s, each up to a half longer by chance, so that jobs that failed together do not return together. */
const pauseMs = (attempt: number): number =>
  Math.min(1000 * 2 ** (attempt - 1), 60_000) * (1 + Math.random() / 2);
