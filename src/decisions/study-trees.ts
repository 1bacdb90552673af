import type { Hierarchy, LabelledGroup, StudyTree } from '../orthanc/hierarchy.js';
import type { InstanceId, SeriesId, StudyId } from '../orthanc/ids.js';
import type { IdentifiedInstance } from '../orthanc/resources.js';

/** Studies kept at a time. */
const mostKept = 4;
/** A study of so few instances is read whole. */
const fewInstances = 20;
/** After this time a study is read whole again: at least, and as a multiple of what a whole reading takes. */
const keptMs = 10_000;
const keptReadings = 20;

/** A study with those of its series that may have changed, and all its instances. */
export interface StudyInPart {
  study: LabelledGroup<StudyId>;
  series: LabelledGroup<SeriesId>[];
  instances: IdentifiedInstance[];
  /** Most instances are as they were some seconds ago. */
  isInPart?: boolean;
}

interface Kept {
  instances: ReadonlyMap<InstanceId, IdentifiedInstance>;
  until: number;
}

export type OnPart = (study: StudyId, afterMs: number) => void;

type Reading = Pick<Hierarchy, 'tree' | 'group' | 'instances'>;

/**
 * Reads studies to add up their instances. The instances of a large study are kept for some seconds. So of a study to
 * which thousands of them come, only what has changed is read each time. For each study, one `read` runs at a time.
 *
 * What is kept can be wrong: instances were deleted, or another service has decided some of them. So after a `read` in
 * part, a whole one is due once the time is over: `onPart` says when.
 */
export class StudyTrees {
  readonly #hierarchy: Reading;
  readonly #onPart: OnPart;
  readonly #now: () => number;
  /** In the order in which they were read. */
  readonly #kept = new Map<StudyId, Kept>();
  readonly #changed = new Map<StudyId, Set<InstanceId> | 'whole'>();

  /** @param now milliseconds; other than the default in tests alone */
  constructor(hierarchy: Reading, onPart: OnPart, now: () => number = () => performance.now()) {
    this.#hierarchy = hierarchy;
    this.#onPart = onPart;
    this.#now = now;
  }

  /** Whether the study is known to have many instances. */
  isLarge(study: StudyId): boolean {
    return this.#kept.has(study);
  }

  /** Says what the next `read` must read: an instance whose metadata were written, or the whole study. */
  change(study: StudyId, instance: InstanceId | undefined): void {
    const changed = this.#changed.get(study) ?? new Set();
    if (changed === 'whole') return;
    this.#changed.set(study, instance === undefined ? 'whole' : changed.add(instance));
  }

  /** What is known of a study is no longer needed: the next `read` reads it whole. */
  forget(study: StudyId): void {
    this.#changed.delete(study);
    this.#kept.delete(study);
  }

  /**
   * @param isAddedUp whether study and series, as they are now, say what these instances add up to. If not, another
   *   service has written, and the study is read whole.
   * @returns undefined where the study is deleted
   */
  async read(study: StudyId, isAddedUp: (kept: StudyInPart) => boolean): Promise<StudyInPart | undefined> {
    const changed = this.#changed.get(study) ?? new Set();
    this.#changed.delete(study);
    const kept = this.#kept.get(study);
    // A failure leaves nothing kept. So the next read misses no change.
    this.#kept.delete(study);
    if (kept !== undefined && changed !== 'whole' && this.#now() < kept.until) {
      const part = await this.#readPart(study, kept, changed, isAddedUp);
      if (part !== undefined) {
        this.#onPart(study, kept.until - this.#now());
        return this.#keep(part, kept.until);
      }
    }
    const began = this.#now();
    const tree = await this.#hierarchy.tree(study);
    const now = this.#now();
    return tree && this.#keep(tree, began + Math.max(keptMs, keptReadings * (now - began)));
  }

  /** @returns undefined where the study must be read whole */
  async #readPart(
    study: StudyId,
    { instances: before }: Kept,
    changed: ReadonlySet<InstanceId>,
    isAddedUp: (kept: StudyInPart) => boolean,
  ): Promise<StudyInPart | undefined> {
    const read = await this.#hierarchy.instances([...changed]);
    // One of them was deleted, or was moved to another series.
    if (read.length < changed.size) return undefined;
    const seriesIds = [...new Set(read.map(({ ParentSeries }) => ParentSeries))];
    const groups = await Promise.all([
      this.#hierarchy.group('studies', study),
      Promise.all(seriesIds.map((id) => this.#hierarchy.group('series', id))),
    ]);
    const [top, series] = groups;
    if (top === undefined || series.includes(undefined)) return undefined;
    const part = { study: top, series: series.filter((each) => each !== undefined) };
    if (!isAddedUp({ ...part, instances: [...before.values()] })) return undefined;
    return {
      ...part,
      isInPart: true,
      instances: [...new Map([...before, ...read.map((each) => [each.ID, each] as const)]).values()],
    };
  }

  #keep<T extends StudyInPart | StudyTree>(tree: T, until: number): T {
    if (tree.instances.length <= fewInstances) return tree;
    const instances = new Map(tree.instances.map((each) => [each.ID, each] as const));
    this.#kept.set(tree.study.ID, { instances, until });
    for (const oldest of this.#kept.keys()) if (this.#kept.size > mostKept) this.#kept.delete(oldest);
    return tree;
  }
}
