import type { InstanceId } from '../orthanc/ids.js';

/** Why an instance is looked at: how it came to Plainview's notice. */
export type Reason = 'hook' | 'request' | 'changes';

/** Somebody may be waiting for these; the others are a backlog, and go behind them. */
export const urgentReasons: ReadonlySet<Reason> = new Set(['hook', 'request']);

export interface Job {
  instance: InstanceId;
  reason: Reason;
  /** Which try this is, counted from 1. */
  attempt: number;
}

/** What the handler says of a job: it is settled, or it is to come again. */
export type JobOutcome =
  | { kind: 'settled' }
  /** Comes again after a pause; `spent` tells whether the try counts. */
  | { kind: 'again'; afterMs: number; spent: boolean };

export type Handler = (job: Job) => Promise<JobOutcome>;

export interface Depth {
  waiting: number;
  running: number;
  /** Waiting for their pause to end before they are tried again. */
  delayed: number;
}

/**
 * Jobs that wait to be worked on, the urgent before the others, each instance at most once. Enqueueing an instance that is being worked on
 * has it looked at once more afterwards: what was told then may be news.
 */
export interface Queue {
  /** @param settled called once the job is settled; not called if it is given back at a stop */
  enqueue(instance: InstanceId, reason: Reason, settled?: () => void): void;
  depth(): Depth;
  /** Begins no further job until `resume`; what is in work goes on. */
  pause(): void;
  resume(): void;
  /**
   * Begins no further job for good and waits for those in work, at most `ms`.
   * @returns the jobs given back: everything that is not settled
   */
  stop(ms: number): Promise<Job[]>;
}
