import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { z } from 'zod';
import { type InstanceId, instanceId } from '../orthanc/ids.js';
import type { Locks } from '../store/locks.js';
import { isDamaged, type Store, setAsideDamaged } from '../store/store.js';
import { instanceRecord, type NewDecision } from './schema.js';

/** A person's decision. */
const decision = instanceRecord.omit({ version: true, labels: true, order: true, exposure: true });

/** What tells one picture from another, and finds it again. */
const pictureKeys = z.object({
  /** Fingerprint of the pixels: `Renderings.fingerprint`. */
  pixels: z.string(),
  sopInstanceUid: z.string(),
  /** Hash of attributes that stay when a picture is moved: `Described.traits`. */
  traits: z.string(),
});
export type PictureKeys = z.output<typeof pictureKeys>;

const keptPicture = z.object({
  version: z.literal(1),
  pixels: z.string(),
  traits: z.string(),
  decision,
  /** All that the picture was called. */
  sopInstanceUids: z.array(z.string()),
  instances: z.array(instanceId),
});
export type KeptPicture = z.output<typeof keptPicture>;

/** Leads to pictures. */
const index = z.object({ version: z.literal(1), pixels: z.array(z.string()) });

/** A person's decision that is replaced by a network's. */
const ended = z.object({
  /** `when` of the person's decision, which tells it from those about other pictures that the instance was. */
  when: z.string(),
  /** Fingerprint of the picture, where the instance alone does not lead to it. */
  pixels: z.string().optional(),
});
export type EndedCorrection = z.output<typeof ended>;

const keptDecision = pictureKeys.extend({ decision });
type KeptDecision = z.output<typeof keptDecision>;

const begun = z.union([
  keptDecision.extend({ version: z.literal(1) }),
  z.object({ version: z.literal(1), decision, ends: ended }),
]);
/** A person's decision, or a network's that ends a person's. */
export type BegunCorrection = KeptDecision | { decision: NewDecision; ends: EndedCorrection };

type Index = 'uids' | 'instances' | 'traits';

/**
 * People's decisions, kept in the store too: Orthanc loses all metadata where it replaces a file, and gives an
 * instance another identifier, often another SOP Instance UID, where it is moved to another study or patient. So a
 * decision belongs to a picture, which its pixels tell from all others.
 *
 * A decision is *begun* before Orthanc is asked to write it, and *stands* once it is there. Only what stands is given
 * back. What was begun when the service ended is settled by what Orthanc has. The same holds of a network's decision that
 * ends a person's.
 */
export class CorrectionStore {
  readonly #store: Store;
  readonly #locks: Locks;
  readonly #log: Logger;

  constructor(store: Store, locks: Locks, log: Logger) {
    this.#store = store;
    this.#locks = locks;
    this.#log = log;
  }

  /** @throws state_damaged, state_unusable */
  ofPixels(pixels: string): Promise<KeptPicture | undefined> {
    return this.#store.read(keyOf('pictures', pixels), keptPicture);
  }

  /** The pictures that had this SOP Instance UID. @throws state_damaged, state_unusable */
  ofUid(sopInstanceUid: string): Promise<KeptPicture[]> {
    return this.#indexed('uids', sopInstanceUid);
  }

  /** The pictures that were this instance. @throws state_damaged, state_unusable */
  ofInstance(id: InstanceId): Promise<KeptPicture[]> {
    return this.#indexed('instances', id);
  }

  /**
   * All instances that people have decided about, folder by folder, also those that an older version kept. Leaves out what
   * is damaged: its own job reports it.
   * @throws state_unusable
   */
  async *allInstances(): AsyncGenerator<InstanceId[]> {
    for (let number = 0; number < 256; number++) {
      const digits = number.toString(16).padStart(2, '0');
      yield instancesIn(await this.#store.names(`corrections/${digits}`));
      const folder = `corrections/pictures/${digits}`;
      const pictures = (await this.#store.names(folder)).map((name) =>
        this.#store.read(`${folder}/${name}`, keptPicture).catch((error: unknown) => {
          if (isDamaged(error)) return undefined;
          throw error;
        }),
      );
      yield (await Promise.all(pictures)).flatMap((kept) => kept?.instances ?? []);
    }
  }

  /** Whether there is a picture with these attributes. @throws state_unusable */
  hasTraits(traits: string): Promise<boolean> {
    return this.#store.has(keyOf('traits', traits));
  }

  /** What an older version kept of an instance, without the picture. @throws state_damaged, state_unusable */
  ofOlderVersion(id: InstanceId): Promise<NewDecision | undefined> {
    return this.#store.read(olderKeyOf(id), decision);
  }

  /**
   * Whether a decision that was read some time ago still stands: no person's has ended since, or come.
   * @throws state_damaged, state_unusable
   */
  async stillStands(id: InstanceId, { who, when }: Pick<NewDecision, 'who' | 'when'>): Promise<boolean> {
    const kept = [
      ...(await this.ofInstance(id)).map(({ decision }) => decision),
      await this.ofOlderVersion(id),
    ];
    return who === 'person'
      ? kept.some((each) => each?.when === when)
      : kept.every((each) => each === undefined);
  }

  /** On the disk when this returns. @throws state_unusable */
  begin(id: InstanceId, correction: BegunCorrection): Promise<void> {
    return this.#store.write(begunKeyOf(id), { version: 1, ...correction });
  }

  /** The instances with a decision that is begun. @throws state_unusable */
  async listBegun(): Promise<InstanceId[]> {
    return instancesIn(await this.#store.names('corrections/begun'));
  }

  /** @returns `damaged`: something was begun, and only Orthanc can tell what. @throws state_unusable */
  async begunOf(id: InstanceId): Promise<BegunCorrection | 'damaged' | undefined> {
    try {
      return await this.#store.read(begunKeyOf(id), begun);
    } catch (error) {
      if (isDamaged(error)) return 'damaged';
      throw error;
    }
  }

  /** What was begun is damaged, and settled by what Orthanc has. @throws state_unusable */
  setAsideBegun(id: InstanceId): Promise<void> {
    return setAsideDamaged(this.#store, begunKeyOf(id), this.#log);
  }

  /** The decision that was begun stands now. Does nothing where there is none. @throws state_unusable, state_damaged */
  async stand(id: InstanceId): Promise<void> {
    const correction = await this.#store.read(begunKeyOf(id), begun);
    if (correction === undefined) return;
    if ('ends' in correction) await this.drop(id, correction.ends);
    // By the order of events, not by the clock, which can be set back.
    else
      await this.#change(() =>
        this.#keep(id, correction, ({ decision: former }) => former.when !== correction.decision.when),
      );
    await this.giveUp(id);
  }

  /** The decision that was begun is none. @throws state_unusable */
  giveUp(id: InstanceId): Promise<void> {
    return this.#store.remove(begunKeyOf(id));
  }

  /**
   * Keeps a decision that stands, unless a newer one about a copy of the picture is kept. A decision that is kept already
   * stays as it is: an anonymised copy has it without names.
   * @throws state_unusable, state_damaged
   */
  keep(id: InstanceId, correction: KeptDecision): Promise<void> {
    return this.#change(() =>
      this.#keep(id, correction, ({ decision: { when }, instances }) => {
        const isOfCopy = instances.some((each) => each !== id);
        return isOfCopy ? when < correction.decision.when : when !== correction.decision.when;
      }),
    );
  }

  /** Pictures share index files, so one change is made at a time. */
  #change(task: () => Promise<void>): Promise<void> {
    return this.#locks.exclusive('corrections', 'all', task);
  }

  async #keep(
    id: InstanceId,
    correction: KeptDecision,
    replaces: (former: KeptPicture) => boolean,
  ): Promise<void> {
    const { pixels, traits, sopInstanceUid } = correction;
    const former = await this.ofPixels(pixels);
    const isNewer = former === undefined || replaces(former);
    await this.#store.write(keyOf('pictures', pixels), {
      version: 1,
      pixels,
      traits,
      decision: isNewer ? correction.decision : former.decision,
      sopInstanceUids: [...new Set([...(former?.sopInstanceUids ?? []), sopInstanceUid])],
      instances: [...new Set([...(former?.instances ?? []), id])],
    });
    // An index that leads to no picture is harmless; a picture without its index would not be found.
    await this.#addTo('uids', sopInstanceUid, pixels);
    await this.#addTo('instances', id, pixels);
    await this.#addTo('traits', traits, pixels);
    await this.#forgetOlderVersion(id);
  }

  /**
   * Forgets a person's decision: it was taken back, or a request replaced it.
   * @throws state_unusable, state_damaged
   */
  drop(id: InstanceId, ended: EndedCorrection): Promise<void> {
    return this.#change(() => this.#drop(id, ended));
  }

  async #drop(id: InstanceId, { when, pixels }: EndedCorrection): Promise<void> {
    const compared = pixels === undefined ? undefined : await this.ofPixels(pixels);
    for (const kept of [...(await this.ofInstance(id)), ...(compared === undefined ? [] : [compared])]) {
      if (kept.decision.when !== when) continue;
      // First: an index that leads to no picture is harmless, a picture that no index leads to is found by its pixels.
      await this.#store.remove(keyOf('pictures', kept.pixels));
      for (const uid of kept.sopInstanceUids) await this.#removeFrom('uids', uid, kept.pixels);
      for (const each of kept.instances) await this.#removeFrom('instances', each, kept.pixels);
      await this.#removeFrom('traits', kept.traits, kept.pixels);
    }
    await this.#forgetOlderVersion(id);
  }

  /** An instance no longer leads to a decision about its picture: it stands of copies alone. @throws as `drop` */
  leave(id: InstanceId, when: string): Promise<void> {
    return this.#change(async () => {
      for (const kept of await this.ofInstance(id)) {
        if (kept.decision.when !== when) continue;
        const instances = kept.instances.filter((each) => each !== id);
        await this.#store.write(keyOf('pictures', kept.pixels), { ...kept, instances });
        await this.#removeFrom('instances', id, kept.pixels);
      }
    });
  }

  #forgetOlderVersion(id: InstanceId): Promise<void> {
    return this.#store.remove(olderKeyOf(id));
  }

  async #indexed(kind: Index, key: string): Promise<KeptPicture[]> {
    const all = await Promise.all((await this.#index(kind, key)).map((pixels) => this.ofPixels(pixels)));
    return all.flatMap((each) => each ?? []);
  }

  async #index(kind: Index, key: string): Promise<string[]> {
    return (await this.#store.read(keyOf(kind, key), index))?.pixels ?? [];
  }

  async #addTo(kind: Index, key: string, pixels: string): Promise<void> {
    const known = await this.#index(kind, key);
    if (known.includes(pixels)) return;
    await this.#store.write(keyOf(kind, key), { version: 1, pixels: [...known, pixels] });
  }

  async #removeFrom(kind: Index, key: string, pixels: string): Promise<void> {
    const known = await this.#index(kind, key);
    const left = known.filter((each) => each !== pixels);
    if (left.length === known.length) return;
    if (left.length === 0) await this.#store.remove(keyOf(kind, key));
    else await this.#store.write(keyOf(kind, key), { version: 1, pixels: left });
  }
}

/** In 256 folders, so that none becomes too large. A key may hold anything, so its hash is the name. */
function keyOf(kind: Index | 'pictures', key: string): string {
  const hash = createHash('sha256').update(key).digest('hex');
  return `corrections/${kind}/${hash.slice(0, 2)}/${hash}`;
}

const instancesIn = (names: readonly string[]): InstanceId[] =>
  names.flatMap((name) => instanceId.safeParse(name).data ?? []);

const begunKeyOf = (id: InstanceId): string => `corrections/begun/${id}`;
/** An older version kept decisions by instance. */
const olderKeyOf = (id: InstanceId): string => `corrections/${id.slice(0, 2)}/${id}`;
