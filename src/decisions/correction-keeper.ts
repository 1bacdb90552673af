import type { InstanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { unknownPixels } from '../orthanc/renderings.js';
import type { IdentifiedInstance } from '../orthanc/resources.js';
import type { CorrectionStore, KeptPicture, PictureKeys } from './correction-store.js';
import { type DescribedPicture, sopInstanceUidOf } from './former-decisions.js';
import { decisionOf, recordOf, standingCorrection } from './read.js';
import type { NewDecision } from './schema.js';

/** What is known of a picture already. */
export interface SeenPicture extends DescribedPicture {
  /** Its fingerprint. */
  pixels?: string | undefined;
}

/** Keeps what people decide in step with Orthanc. Callers hold the lock of the instance. */
export class CorrectionKeeper {
  readonly #orthanc: Pick<Orthanc, 'hierarchy' | 'renderings'>;
  readonly #store: CorrectionStore;

  constructor(orthanc: Pick<Orthanc, 'hierarchy' | 'renderings'>, store: CorrectionStore) {
    this.#orthanc = orthanc;
    this.#store = store;
  }

  /** Before Orthanc is asked to write the decision. @throws state_unusable, instance_gone, orthanc_… */
  async begin(instance: IdentifiedInstance, picture: SeenPicture, decision: NewDecision): Promise<void> {
    await this.#store.begin(instance.ID, { ...(await this.#keysOf(instance, picture)), decision });
  }

  /**
   * Settles a decision that was begun when the service ended, or when Orthanc did not answer. What Orthanc has stands;
   * the rest never was.
   * @throws state_unusable, state_damaged, orthanc_…
   */
  async settle(id: InstanceId): Promise<void> {
    if ((await this.#store.begunOf(id)) === undefined) return;
    const [instance] = await this.#orthanc.hierarchy.instances([id]);
    await this.#settleBy(id, instance);
  }

  /** Runs a task that may begin a decision. Settles what was begun earlier before it, and after a failure its own. */
  async settling<T>(instance: IdentifiedInstance, task: () => Promise<T>): Promise<T> {
    await this.#settleBy(instance.ID, instance);
    try {
      return await task();
    } catch (error) {
      // Where Orthanc cannot say, it stays begun until Orthanc is back, or the instance is written again.
      await this.settle(instance.ID).catch(() => undefined);
      throw error;
    }
  }

  /** Whether a person's decision, or the end of one that is kept, is in Orthanc alone. */
  async isUnkept(instance: IdentifiedInstance): Promise<boolean> {
    const standing = standingCorrection(instance);
    try {
      const kept = await this.#store.ofInstance(instance.ID);
      if (standing === undefined) return endedIn(instance, kept).length > 0;
      // A newer one about a copy: two people decided about the same picture.
      return !kept.some(
        ({ decision: { when }, instances }) =>
          when === standing.when || (when > standing.when && instances.length > 1),
      );
    } catch {
      return false; // damaged: the job of the instance reports it
    }
  }

  /** Keeps what is in Orthanc alone: see `isUnkept`. @throws state_unusable, state_damaged, orthanc_… */
  async keep(instance: IdentifiedInstance): Promise<void> {
    const decision = standingCorrection(instance);
    if (decision === undefined) return this.#keepEnd(instance);
    const described = await this.#orthanc.hierarchy.describe(instance.ID);
    await this.#store.keep(instance.ID, { ...(await this.#keysOf(instance, described)), decision });
  }

  /** Another service has ended a person's decision. Where it stands of a copy, the copy keeps it. */
  async #keepEnd(instance: IdentifiedInstance): Promise<void> {
    for (const { decision, instances } of endedIn(instance, await this.#store.ofInstance(instance.ID))) {
      const copies = await this.#orthanc.hierarchy.instances(instances.filter((id) => id !== instance.ID));
      const stands = copies.some((copy) => standingCorrection(copy)?.when === decision.when);
      if (stands) await this.#store.leave(instance.ID, decision.when);
      else await this.#store.drop(instance.ID, { when: decision.when });
    }
  }

  /** @param instance as Orthanc has it; undefined where it is gone */
  async #settleBy(id: InstanceId, instance: IdentifiedInstance | undefined): Promise<void> {
    const begun = await this.#store.begunOf(id);
    if (begun === undefined) return;
    const record = instance && recordOf(instance)?.record;
    if (begun === 'damaged') {
      if (instance !== undefined && record !== undefined)
        await this.#settleUnread(instance, decisionOf(record));
      // Last: until then, a crash leaves it to be settled again.
      return this.#store.setAsideBegun(id);
    }
    const isThere = record?.who === begun.decision.who && record.when === begun.decision.when;
    await (isThere ? this.#store.stand(id) : this.#store.giveUp(id));
  }

  /** Something was begun about this instance, and what is damaged. @param decided what Orthanc has now */
  async #settleUnread(instance: IdentifiedInstance, decided: NewDecision): Promise<void> {
    const keys = await this.#keysOf(instance, await this.#orthanc.hierarchy.describe(instance.ID));
    if (decided.who === 'person') return this.#store.keep(instance.ID, { ...keys, decision: decided });
    // A network's decision: it was begun to end a person's where an undo or a request made it. Else theirs stays.
    if (keys.pixels === unknownPixels) return;
    for (const { pixels, decision } of await this.#store.ofInstance(instance.ID)) {
      const isRequested = decided.requested !== undefined && decided.when > decision.when;
      if (
        pixels === keys.pixels &&
        (ends(decided, decision) || (isRequested && decided.decision !== 'failed'))
      )
        await this.#store.drop(instance.ID, { when: decision.when });
    }
  }

  async #keysOf(
    instance: IdentifiedInstance,
    { traits, tags, pixels: known }: SeenPicture,
  ): Promise<PictureKeys> {
    const pixels = known ?? (await this.#orthanc.renderings.fingerprint(instance.ID, tags));
    return { sopInstanceUid: sopInstanceUidOf(instance), pixels, traits };
  }
}

/** Whether a network's decision is the end of a person's: an undo, or a request that included it. */
const ends = (decided: NewDecision, person: NewDecision): boolean =>
  decided.who === 'network' &&
  (decided.when === person.before?.when || decided.requested?.ends === person.when);

/** Those of the kept decisions that the one that stands has ended. */
function endedIn(instance: IdentifiedInstance, kept: readonly KeptPicture[]): KeptPicture[] {
  const known = recordOf(instance);
  return known?.complete === true ? kept.filter(({ decision }) => ends(known.record, decision)) : [];
}
