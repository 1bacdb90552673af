/**
 * Kinds of locks, in the order in which a task may take them. A task that holds a lock takes only locks of a later
 * kind, so there are no deadlocks.
 * - `job`: the job of an instance.
 * - `study files`: the stored files of a study, of which one is replaced at a time.
 * - `instance`: metadata and labels of an instance.
 * - `study report`: the structured reports of a study.
 * - `study labels`: the decisions of a study's instances, aggregated on series and study.
 * - `study rules`: whether the rules on studies are due for a study.
 * - `study route labels`: the labels set by routing rules, aggregated on series and study.
 * - `corrections`: what is kept of people's decisions.
 */
export const lockKinds = [
  'job',
  'study files',
  'instance',
  'study report',
  'study labels',
  'study rules',
  'study route labels',
  'corrections',
] as const;
export type LockKind = (typeof lockKinds)[number];

/** Locks that keep two tasks from changing the same instance or study at the same time. */
export interface Locks {
  /**
   * Tasks of one kind and id run one after the other, in the order of the calls. Others run in parallel.
   * @throws internal where the order of kinds is broken, and what the task throws
   */
  exclusive<T>(kind: LockKind, id: string, task: () => Promise<T>): Promise<T>;
  /**
   * Runs at most one task of a kind and id at a time. All calls during a run share one next run. So where a hundred
   * instances of a study end together, the study is aggregated only twice.
   * @returns a promise of a run that began after this call
   * @throws as `exclusive`
   */
  shared(kind: LockKind, id: string, task: () => Promise<void>): Promise<void>;
}
