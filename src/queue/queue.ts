import type { InstanceId } from '../orthanc/ids.js';

/** How Plainview learned of an instance. A `sweep` also decides anew what another network has decided. */
export const reasons = ['hook', 'request', 'changes', 'sweep'] as const;
export type Reason = (typeof reasons)[number];

/** Somebody may be waiting for these jobs. The others are the backlog and come after them. */
export const urgentReasons: ReadonlySet<Reason> = new Set(['hook', 'request']);

export interface Job {
  instance: InstanceId;
  reason: Reason;
  /** Which try this is, counted from 1. */
  attempt: number;
}

export interface EnqueueOptions {
  /** Called once when the job is settled; where it was enqueued again meanwhile, perhaps after that run too. Not called where `stop` returns the job. */
  settled?: () => void;
}

/** The result of a job: it is settled, or it is retried. */
export type JobOutcome =
  | { kind: 'settled' }
  /** Retried after a delay. `countsAsAttempt`: whether this attempt counts. */
  | { kind: 'retry'; afterMs: number; countsAsAttempt: boolean };

export type Handler = (job: Job) => Promise<JobOutcome>;

export interface QueueDepth {
  waiting: number;
  running: number;
  /** Jobs whose delay before the next run has not passed yet. */
  delayed: number;
  /** For how long the oldest job waits; 0 where none waits. */
  oldestSeconds: number;
}

/**
 * A queue of jobs: the urgent ones first, in the order of arrival, and at most one for each instance. An instance that is
 * enqueued while its job runs gets one more run afterwards, because it may have changed. Where processes share a queue, each
 * takes jobs a moment before it has a place for them: those may change places with others.
 */
export interface Queue {
  enqueue(instance: InstanceId, reason: Reason, options?: EnqueueOptions): void;
  /** Where processes share the queue: as it was a moment ago. */
  depth(): QueueDepth;
  /** For how long the oldest job that runs in this process has been running, in seconds; 0 where none runs. */
  longestRun(): number;
  /** Begins no further job until `resume`. Running jobs continue. */
  pause(): void;
  resume(): void;
  /**
   * Begins no further job, and waits for the running ones until the deadline.
   * @returns the jobs that are not settled. Where processes share the queue: those that this one had taken, which others
   *   then take, and those that it could not write.
   */
  stop(deadline: AbortSignal): Promise<Job[]>;
}

/**
 * An instance with several reasons is as urgent as the most urgent one. Of those of the backlog, a sweep counts more. One
 * that becomes urgent is found again by the next pass of the sweep.
 */
export const moreUrgent = (a: Reason, b = a): Reason =>
  urgentReasons.has(a) || (a === 'sweep' && !urgentReasons.has(b)) ? a : b;
