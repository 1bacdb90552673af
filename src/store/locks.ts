/**
 * What is locked, in the order in which locks may be taken: whoever holds one takes only locks of a later kind.
 * So no two tasks wait for each other.
 * - `study files`: one stored file of a study is written anew at a time.
 * - `instance`: metadata and labels of an instance.
 * - `study report`: the structured reports of a study.
 * - `study labels`: the decisions of a study's instances, added up on series and study.
 * - `study route labels`: the labels that rules ask for, added up on series and study.
 */
export const lockKinds = [
  'study files',
  'instance',
  'study report',
  'study labels',
  'study route labels',
] as const;
export type LockKind = (typeof lockKinds)[number];

/** Guards instances and studies against two tasks at a time. */
export interface Locks {
  /**
   * Tasks of one kind and id run one after the other, in the order of the calls; all others at the same time.
   * @throws internal where the order of kinds is broken, and what the task throws
   */
  exclusive<T>(kind: LockKind, id: string, task: () => Promise<T>): Promise<T>;
  /**
   * Runs at most one task of a kind and id at a time. All calls that come while one runs share one next run: of a hundred
   * instances of a study that end together, the study is added up twice.
   * @returns settles with a run that began after this call
   * @throws as `exclusive`
   */
  shared(kind: LockKind, id: string, task: () => Promise<void>): Promise<void>;
}
