import type { InstanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { unknownPixels } from '../orthanc/renderings.js';
import type { IdentifiedInstance } from '../orthanc/resources.js';
import type { CorrectionStore, PictureKeys } from './correction-store.js';
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

  /** Whether a person's decision is in Orthanc alone. */
  async isUnkept(instance: IdentifiedInstance): Promise<boolean> {
    const standing = standingCorrection(instance);
    if (standing === undefined) return false;
    try {
      const kept = await this.#store.ofInstance(instance.ID);
      // A newer one is about a copy: two people decided about the same picture.
      return !kept.some(({ decision }) => decision.when >= standing.when);
    } catch {
      return false; // damaged: the job of the instance reports it
    }
  }

  /** Keeps a person's decision that is in Orthanc alone. @throws state_unusable, state_damaged, orthanc_… */
  async keep(instance: IdentifiedInstance): Promise<void> {
    const decision = standingCorrection(instance);
    if (decision === undefined) return;
    const described = await this.#orthanc.hierarchy.describe(instance.ID);
    await this.#store.keep(instance.ID, { ...(await this.#keysOf(instance, described)), decision });
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
      const isUndo = decision.before?.when === decided.when;
      const isRequested = decided.requested !== undefined && decided.when > decision.when;
      if (pixels === keys.pixels && (isUndo || (isRequested && decided.decision !== 'failed')))
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
