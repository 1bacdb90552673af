import type { Logger } from 'pino';
import { detached } from '../async/detached.js';
import { sleep } from '../async/sleep.js';
import { asPlainviewError } from '../errors/errors.js';
import type { StudyTree } from '../orthanc/hierarchy.js';
import type { StudyId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { retryWhileAway } from '../orthanc/retry-while-away.js';
import type { Derived } from './derived.js';
import { recordOf } from './read.js';

interface Parts {
  orthanc: Pick<Orthanc, 'isAway'> & { hierarchy: Pick<Orthanc['hierarchy'], 'tree'> };
  derived: readonly Derived[];
  /** Called where something differed although no decision was being written. */
  onMended: (what: string) => void;
  log: Logger;
}

/** Compares what Plainview derives from the instances of a study with what is in Orthanc, and mends what differs. */
export class Reconciler {
  readonly #parts: Parts;
  readonly #due = new Map<StudyId, Promise<void>>();
  readonly #stop = new AbortController();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * @param tree the study, just read
   * @returns the names of what differed
   * @throws orthanc_…
   */
  async reconcile(tree: StudyTree): Promise<string[]> {
    const { derived, onMended, log } = this.#parts;
    const differing = derived.filter((each) => !each.isUpToDate(tree));
    for (const each of differing) await each.update(tree.study.ID);
    const mended = differing.map(({ name }) => name);
    if (mended.length > 0 && !tree.instances.some((instance) => recordOf(instance)?.complete === false)) {
      log.info({ study: tree.study.ID, mended }, 'mended what was not as the instances of a study ask for');
      for (const what of mended) onMended(what);
    }
    return mended;
  }

  /** Reconciles a study after this time. A second call before then does nothing. */
  later(study: StudyId, afterMs: number): void {
    if (this.#due.has(study) || this.#stop.signal.aborted) return;
    const run = detached(() => this.#reconcileAfter(study, afterMs));
    this.#due.set(study, run);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#due.values());
  }

  async #reconcileAfter(study: StudyId, afterMs: number): Promise<void> {
    const { orthanc, log } = this.#parts;
    const { signal } = this.#stop;
    await sleep(afterMs, signal);
    // From here on, another change makes another run.
    this.#due.delete(study);
    await retryWhileAway(
      async () => {
        const tree = await orthanc.hierarchy.tree(study);
        if (tree !== undefined) await this.reconcile(tree);
      },
      { orthanc, log },
      signal,
    ).catch((error: unknown) => {
      if (!signal.aborted)
        log.error(
          { err: asPlainviewError(error), study },
          'a study could not be reconciled; a sweep does it',
        );
    });
  }
}
