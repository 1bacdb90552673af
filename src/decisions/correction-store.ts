import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import { KeyedMutex } from '../async/keyed-mutex.js';
import { createError } from '../errors/errors.js';
import { removeFile } from '../files/replace.js';
import { type InstanceId, instanceId } from '../orthanc/ids.js';
import { isDamaged, readIntact, StateFile, setAsideDamaged } from '../store/state-file.js';
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
 * People's decisions, kept in the state folder too: Orthanc loses all metadata where it replaces a file, and gives an
 * instance another identifier, often another SOP Instance UID, where it is moved to another study or patient. So a
 * decision belongs to a picture, which its pixels tell from all others.
 *
 * A decision is *begun* before Orthanc is asked to write it, and *stands* once it is there. Only what stands is given
 * back. What was begun when the service ended is settled by what Orthanc has. The same holds of a network's decision that
 * ends a person's.
 */
export class CorrectionStore {
  readonly #folder: string;
  readonly #log: Logger;
  /** Pictures share index files, so one change is made at a time. */
  readonly #changes = new KeyedMutex<'change'>();

  constructor(stateDir: string, log: Logger) {
    this.#folder = join(stateDir, 'corrections');
    this.#log = log;
  }

  /** @throws state_damaged */
  ofPixels(pixels: string): KeptPicture | undefined {
    const { folder, name } = this.#place('pictures', pixels);
    return readIntact(folder, name, keptPicture);
  }

  /** The pictures that had this SOP Instance UID. @throws state_damaged */
  ofUid(sopInstanceUid: string): KeptPicture[] {
    return this.#indexed('uids', sopInstanceUid);
  }

  /** The pictures that were this instance. @throws state_damaged */
  ofInstance(id: InstanceId): KeptPicture[] {
    return this.#indexed('instances', id);
  }

  /** Whether there is a picture with these attributes. */
  hasTraits(traits: string): boolean {
    const { folder, name } = this.#place('traits', traits);
    return existsSync(join(folder, name));
  }

  /** What an older version kept of an instance, without the picture. @throws state_damaged */
  ofOlderVersion(id: InstanceId): NewDecision | undefined {
    return readIntact(join(this.#folder, id.slice(0, 2)), `${id}.json`, decision);
  }

  /** On the disk when this returns. @throws state_unusable */
  begin(id: InstanceId, correction: BegunCorrection): Promise<void> {
    return new StateFile(this.#begunFolder, `${id}.json`, begun).write({ version: 1, ...correction });
  }

  /** The instances with a decision that is begun. */
  listBegun(): InstanceId[] {
    if (!existsSync(this.#begunFolder)) return [];
    return readdirSync(this.#begunFolder).flatMap((name) => {
      const id = instanceId.safeParse(name.replace(/\.json$/, ''));
      return id.success && name.endsWith('.json') ? [id.data] : [];
    });
  }

  /** @returns `damaged`: something was begun, and only Orthanc can tell what. @throws state_unusable */
  begunOf(id: InstanceId): BegunCorrection | 'damaged' | undefined {
    try {
      return readIntact(this.#begunFolder, `${id}.json`, begun);
    } catch (error) {
      if (isDamaged(error)) return 'damaged';
      throw error;
    }
  }

  /** What was begun is damaged, and settled by what Orthanc has. @throws state_unusable */
  setAsideBegun(id: InstanceId): void {
    setAsideDamaged(join(this.#begunFolder, `${id}.json`), this.#log);
  }

  /** The decision that was begun stands now. Does nothing where there is none. @throws state_unusable, state_damaged */
  async stand(id: InstanceId): Promise<void> {
    const correction = this.begunOf(id);
    if (correction === undefined) return;
    if (correction === 'damaged')
      throw createError('state_damaged', { file: join(this.#begunFolder, `${id}.json`) });
    if ('ends' in correction) await this.drop(id, correction.ends);
    // By the order of events, not by the clock, which can be set back.
    else
      await this.#changes.run('change', () =>
        this.#keep(id, correction, ({ decision: former }) => former.when !== correction.decision.when),
      );
    await this.giveUp(id);
  }

  /** The decision that was begun is none. @throws state_unusable */
  giveUp(id: InstanceId): Promise<void> {
    return this.#remove(this.#begunFolder, `${id}.json`);
  }

  /**
   * Keeps a decision that stands, unless a newer one about a copy of the picture is kept. A decision that is kept already
   * stays as it is: an anonymised copy has it without names.
   * @throws state_unusable, state_damaged
   */
  keep(id: InstanceId, correction: KeptDecision): Promise<void> {
    return this.#changes.run('change', () =>
      this.#keep(id, correction, ({ decision: { when }, instances }) => {
        const isOfCopy = instances.some((each) => each !== id);
        return isOfCopy ? when < correction.decision.when : when !== correction.decision.when;
      }),
    );
  }

  async #keep(
    id: InstanceId,
    correction: KeptDecision,
    replaces: (former: KeptPicture) => boolean,
  ): Promise<void> {
    const { pixels, traits, sopInstanceUid } = correction;
    const former = this.ofPixels(pixels);
    const isNewer = former === undefined || replaces(former);
    const { folder, name } = this.#place('pictures', pixels);
    await new StateFile(folder, name, keptPicture).write({
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
    return this.#changes.run('change', () => this.#drop(id, ended));
  }

  async #drop(id: InstanceId, { when, pixels }: EndedCorrection): Promise<void> {
    const compared = pixels === undefined ? undefined : this.ofPixels(pixels);
    for (const kept of [...this.ofInstance(id), ...(compared === undefined ? [] : [compared])]) {
      if (kept.decision.when !== when) continue;
      // First: an index that leads to no picture is harmless, a picture that no index leads to is found by its pixels.
      const { folder, name } = this.#place('pictures', kept.pixels);
      await this.#remove(folder, name);
      for (const uid of kept.sopInstanceUids) await this.#removeFrom('uids', uid, kept.pixels);
      for (const each of kept.instances) await this.#removeFrom('instances', each, kept.pixels);
      await this.#removeFrom('traits', kept.traits, kept.pixels);
    }
    await this.#forgetOlderVersion(id);
  }

  /** An instance no longer leads to a decision about its picture: it stands of copies alone. @throws as `drop` */
  leave(id: InstanceId, when: string): Promise<void> {
    return this.#changes.run('change', async () => {
      for (const kept of this.ofInstance(id)) {
        if (kept.decision.when !== when) continue;
        const { folder, name } = this.#place('pictures', kept.pixels);
        const instances = kept.instances.filter((each) => each !== id);
        await new StateFile(folder, name, keptPicture).write({ ...kept, instances });
        await this.#removeFrom('instances', id, kept.pixels);
      }
    });
  }

  get #begunFolder(): string {
    return join(this.#folder, 'begun');
  }

  #forgetOlderVersion(id: InstanceId): Promise<void> {
    return this.#remove(join(this.#folder, id.slice(0, 2)), `${id}.json`);
  }

  #indexed(kind: Index, key: string): KeptPicture[] {
    const { folder, name } = this.#place(kind, key);
    const pixels = readIntact(folder, name, index)?.pixels ?? [];
    return pixels.flatMap((each) => this.ofPixels(each) ?? []);
  }

  async #addTo(kind: Index, key: string, pixels: string): Promise<void> {
    const { folder, name } = this.#place(kind, key);
    const known = readIntact(folder, name, index)?.pixels ?? [];
    if (known.includes(pixels)) return;
    await new StateFile(folder, name, index).write({ version: 1, pixels: [...known, pixels] });
  }

  async #removeFrom(kind: Index, key: string, pixels: string): Promise<void> {
    const { folder, name } = this.#place(kind, key);
    const known = readIntact(folder, name, index)?.pixels ?? [];
    const left = known.filter((each) => each !== pixels);
    if (left.length === known.length) return;
    if (left.length === 0) await this.#remove(folder, name);
    else await new StateFile(folder, name, index).write({ version: 1, pixels: left });
  }

  async #remove(folder: string, name: string): Promise<void> {
    const file = join(folder, name);
    if (!existsSync(file)) return;
    await removeFile(file).catch((error: Error) => {
      throw createError('state_unusable', { folder: file, why: error.message }, error);
    });
  }

  /** In 256 folders, so that none becomes too large. A key may hold anything, so its hash is the name. */
  #place(kind: Index | 'pictures', key: string): { folder: string; name: string } {
    const hash = createHash('sha256').update(key).digest('hex');
    return { folder: join(this.#folder, kind, hash.slice(0, 2)), name: `${hash}.json` };
  }
}
