import { asPlainviewError, type PlainviewError } from '../errors/errors.js';
import type { FollowUp } from '../followups/follow-up.js';
import type { InstanceId } from '../orthanc/ids.js';
import type { InstanceContent } from '../orthanc/resources.js';
import type { Stages } from './stages.js';

/** Runs what follows a decision. */
export class FollowUps {
  readonly #all: readonly FollowUp[];
  readonly #stages: Stages;
  /** Instances whose follow-up was begun and has not ended, by its name. */
  readonly #begun: ReadonlyMap<string, Set<InstanceId>>;

  constructor(all: readonly FollowUp[], stages: Stages) {
    this.#all = all;
    this.#stages = stages;
    this.#begun = new Map(all.map(({ name }) => [name, new Set()]));
  }

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  isDue(instance: InstanceContent): boolean {
    return this.#due(instance).length > 0;
  }

  /** How many instances wait for each, because it failed and is tried again. */
  *begun(): Generator<readonly [name: string, count: number]> {
    for (const [name, instances] of this.#begun) yield [name, instances.size];
  }

  /** @throws errors of the catalogue, after all that are due have run */
  async run(instance: InstanceContent): Promise<void> {
    const failures: PlainviewError[] = [];
    // If one fails, the others still run. The next attempt runs only those that are still due.
    for (const followUp of this.#all) {
      const begun = this.#begun.get(followUp.name);
      // Another process can have ended it.
      if (!followUp.isDue(instance)) {
        begun?.delete(instance.ID);
        continue;
      }
      begun?.add(instance.ID);
      await this.#stages
        .timed('follow', () => followUp.run(instance.ID))
        .then(
          () => begun?.delete(instance.ID),
          (error: unknown) => failures.push(asPlainviewError(error)),
        );
    }
    // A transient error takes precedence: any other error is recorded as the failure of all that are still due.
    const worst = failures.find(({ transient }) => transient) ?? failures[0];
    if (worst !== undefined) throw worst;
  }

  /** Gives up those that are due. @throws orthanc_… where that cannot be written */
  async recordFailure(instance: InstanceContent, failure: { code: string; message: string }): Promise<void> {
    for (const followUp of this.#due(instance)) {
      await followUp.recordFailure(instance, failure);
      this.#begun.get(followUp.name)?.delete(instance.ID);
    }
  }

  /** The instance is gone. */
  forget(instance: InstanceId): void {
    for (const instances of this.#begun.values()) instances.delete(instance);
  }

  #due(instance: InstanceContent): FollowUp[] {
    return this.#all.filter((followUp) => followUp.isDue(instance));
  }
}
