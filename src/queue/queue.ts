import type { InstanceId } from '../orthanc/ids.js';

/** How an instance came to Plainview's notice. */
export type Reason = 'hook' | 'request' | 'changes';

/** Somebody may be waiting for these. The others are a backlog, and go behind them. */
export const urgentReasons: ReadonlySet<Reason> = new Set(['hook', 'request']);

export interface Job {
  instance: InstanceId;
  reason: Reason;
  /** Which try this is, counted from 1. */
  attempt: number;
  /** The instance had no metadata of ours when the job was made, and no try was made since. */
  isNew: boolean;
}

export interface EnqueueOptions {
  /** Whether the instance is known to have no metadata of ours. Default: false. */
  isNew?: boolean;
  /** Called once the job is settled; not called if it is given back at a stop. */
  settled?: () => void;
}

/** What becomes of a job: it is settled, or it comes again. */
export type JobOutcome =
  | { kind: 'settled' }
  /** Comes again after a pause; `spent` tells whether the try counts. */
  | { kind: 'again'; afterMs: number; spent: boolean };

export type Handler = (job: Job) => Promise<JobOutcome>;

export interface QueueDepth {
  waiting: number;
  running: number;
  /** Waiting for their pause to end before they are tried again. */
  delayed: number;
}

/**
 * Jobs that wait to be worked on, the urgent ones before the others, each instance at most once. An instance that is
 * enqueued while its job runs is worked on once more afterwards: it may have changed meanwhile.
 */
export interface Queue {
  enqueue(instance: InstanceId, reason: Reason, options?: EnqueueOptions): void;
  depth(): QueueDepth;
  /** Begins no further job until `resume`; what is in work goes on. */
  pause(): void;
  resume(): void;
  /**
   * Begins no further job for good, and waits for those in work until the deadline.
   * @returns the jobs given back: everything that is not settled
   */
  stop(deadline: AbortSignal): Promise<Job[]>;
}
