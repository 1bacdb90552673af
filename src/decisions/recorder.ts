import { EventEmitter } from 'node:events';
import { createError, hasCode } from '../errors/errors.js';
import type { DescribedInstance, IdentifiedParents } from '../orthanc/hierarchy.js';
import type { InstanceId, StudyId } from '../orthanc/ids.js';
import type { IdentifiedInstance, InstanceContent } from '../orthanc/resources.js';
import type { Locks } from '../store/locks.js';
import type { ComingDecision } from './aggregates.js';
import type { Shown } from './correction.js';
import { CorrectionKeeper } from './correction-keeper.js';
import type { EndedCorrection } from './correction-store.js';
import { FormerDecisions } from './former-decisions.js';
import { isCompletedSince, requirePicture, withoutNewRequest } from './meanwhile.js';
import { differencesOf, settledIn } from './open-states.js';
import { decisionOf, recordOf, requestOf } from './read.js';
import { type Current, type Recorded, type RecordParts, RecordWriter, type Seen } from './record-writer.js';
import type { RequestSeal } from './request-seal.js';
import { type InstanceRecord, metadataNames, type NewDecision } from './schema.js';
import { pictureOf } from './tags-record.js';
import { hasOtherVersion } from './versions.js';

/** A person's decision that a request has ended. */
export interface EndedByRequest {
  instance: InstanceId;
  request: { who: string; when: string };
  /** As Orthanc had it; undefined where Orthanc had lost it. */
  previous: InstanceRecord | undefined;
  record: InstanceRecord;
}

/**
 * `corrected`: a person decided meanwhile. `other version`: so did another version of Plainview. `already decided`: this
 * network's decision was completed meanwhile.
 */
export type RecordOutcome = 'recorded' | 'corrected' | 'other version' | 'already decided';

interface Parts extends RecordParts {
  locks: Locks;
  seal: RequestSeal;
}

/** Tries of a person's decision, each after another writer was met. */
const mostTries = 3;

/** Records decisions: one at a time of each instance, and only where what is there now allows it. */
export class Recorder {
  /**
   * `recorded`: a decision stands on all levels. `ended`: it replaced a person's, as a request asked. `unsealed`: a request
   * asked for that, but is not Plainview's, so it was answered as if it had not. `replaced`: another picture came in the
   * place of the one that a person decided about; it may have been seen with their decision for a moment.
   */
  readonly events = new EventEmitter<{
    recorded: [Recorded];
    ended: [EndedByRequest];
    unsealed: [{ instance: InstanceId; who: string }];
    replaced: [InstanceId];
  }>();
  readonly #parts: Parts;
  readonly #keeper: CorrectionKeeper;
  readonly #writer: RecordWriter;
  readonly #formerDecisions: FormerDecisions;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#keeper = new CorrectionKeeper(parts.orthanc, parts.corrections);
    this.#writer = new RecordWriter({
      ...parts,
      keeper: this.#keeper,
      dropRequest: (instance) => this.dropRequest(instance),
    });
    this.#formerDecisions = new FormerDecisions(parts.orthanc, parts.corrections, parts.seal);
  }

  /**
   * Records a network's decision, unless a person decided while it was made: theirs is the newer one.
   * @param described without the file's attributes where it failed
   * @param before as read at the start of the job
   * @param coming see `Aggregates.comes`
   * @throws picture_replaced, instance_gone, orthanc_…
   */
  async record(
    described: DescribedInstance | { id: InstanceId; parents?: never },
    before: IdentifiedInstance,
    decided: NewDecision,
    coming?: ComingDecision,
  ): Promise<RecordOutcome> {
    const { id, parents } = described;
    return this.#exclusive(id, async () => {
      const read = await this.#readKnown(before, parents, coming);
      const current = { ...read, instance: withoutNewRequest(read.instance, before), coming };
      const { Metadata } = current.instance;
      requirePicture(current.instance, pictureOf(before));
      if (hasOtherVersion(current.instance)) return 'other version';
      const isChanged = Metadata[metadataNames.record] !== before.Metadata[metadataNames.record];
      const record = recordOf(current.instance)?.record;
      if (isChanged && record?.who === 'person') {
        // A request that came after the person's decision is for another job to answer.
        if (!this.asksAnew(current.instance, record)) await this.dropRequest(current.instance);
        return 'corrected';
      }
      if (isCompletedSince(before, current.instance, decided)) return 'already decided';
      const ends = await this.#formerDecisions.endedByRequest(current.instance, decided);
      const recorded = await this.#write(
        current,
        { ...decided, ...settledIn(record) },
        'traits' in described ? described : undefined,
        ends,
      );
      if ((record?.who === 'person' || ends !== undefined) && decided.requested !== undefined)
        this.events.emit('ended', { ...recorded, request: decided.requested });
      return 'recorded';
    });
  }

  /** Says that a decision is about to be recorded: see `Aggregates.comes`. */
  comes(study: StudyId): ComingDecision {
    return this.#parts.aggregates.comes(study);
  }

  /** Whether a request asks for the decision on an instance to be made anew: see `RequestSeal`. */
  asksAnew(instance: IdentifiedInstance, standing: Pick<InstanceRecord, 'who' | 'when'>): boolean {
    return this.#parts.seal.asksAnew(instance, standing);
  }

  /**
   * Writes a person's decision again where Orthanc has lost the record, or the picture has another identifier now,
   * unless a new decision is requested.
   * @returns `restored`; or the decision about another picture that had the same SOP Instance UID; or undefined
   * @throws state_damaged, instance_gone, orthanc_…
   */
  async restore(
    instance: IdentifiedInstance,
    described?: DescribedInstance,
  ): Promise<'restored' | { other: NewDecision } | undefined> {
    const { ID } = instance;
    const former = await this.#formerDecisions.find(instance, described);
    if (former === undefined) return undefined;
    const { isSamePicture, decision, pixels } = former;
    if (!isSamePicture) return { other: decision };
    if (this.asksAnew(instance, decision)) return undefined;
    return this.#exclusive(ID, async () => {
      const current = await this.#read(ID);
      requirePicture(current.instance, pictureOf(instance));
      if (recordOf(current.instance) === undefined && !hasOtherVersion(current.instance))
        await this.#writer.write(current, decision, described && { ...described, pixels });
      return 'restored' as const;
    });
  }

  /** Settles a correction that was begun: see `CorrectionKeeper`. @throws state_unusable, state_damaged, orthanc_… */
  async settle(id: InstanceId): Promise<void> {
    await this.#exclusive(id, () => this.#keeper.settle(id));
  }

  /**
   * Whether Orthanc alone has a person's decision, or the end of one: an older version, or another service, recorded it.
   */
  isUnkept(instance: IdentifiedInstance): Promise<boolean> {
    return this.#keeper.isUnkept(instance);
  }

  /** Keeps what is in Orthanc alone: see `isUnkept`. @throws state_unusable, state_damaged, orthanc_… */
  async keep(id: InstanceId): Promise<void> {
    await this.#exclusive(id, async () => this.#keeper.keep((await this.#read(id)).instance));
  }

  /**
   * Replaces a decision by a person's. No other decision is written in between.
   * @param next gets the decision and the picture that stand now, and may throw: nothing is written then. What it returns
   *   without `settled` settles no difference from the order.
   * @throws picture_replaced, instance_gone, instance_undecided, orthanc_…
   */
  async replace(
    id: InstanceId,
    next: (current: InstanceRecord, shown: Shown) => NewDecision,
  ): Promise<Recorded> {
    return this.#exclusive(id, async () => {
      let picture: string | undefined;
      for (let tries = 1; ; tries++) {
        const current = await this.#read(id);
        picture ??= pictureOf(current.instance);
        requirePicture(current.instance, picture);
        if (hasOtherVersion(current.instance)) throw createError('record_of_other_version', { instance: id });
        const known = recordOf(current.instance);
        if (known === undefined) throw createError('instance_undecided', { instance: id });
        const file = await this.#parts.orthanc.hierarchy.describe(id);
        const differences: Shown['differences'] = (decided) =>
          differencesOf(this.#writer.compare(decided, file, current.instance));
        try {
          return await this.#write(current, next(known.record, { picture, differences }), file);
        } catch (error) {
          if (hasCode(error, 'picture_replaced')) this.events.emit('replaced', id);
          if (!hasCode(error, 'orthanc_conflict') || tries === mostTries) throw error;
        }
      }
    });
  }

  /**
   * Completes what a crash left half-written of a decision.
   * @throws orthanc_conflict where it was taken back meanwhile, or a request asks for another one; instance_gone, orthanc_…
   */
  async finish(id: InstanceId): Promise<void> {
    await this.#exclusive(id, async () => {
      const current = await this.#read(id);
      const known = recordOf(current.instance);
      if (hasOtherVersion(current.instance)) return;
      // Whoever finishes a decision answers the request, and this one came after it.
      if (known === undefined || this.asksAnew(current.instance, known.record))
        throw createError('orthanc_conflict', { what: `instance ${id}` });
      if (!known.complete) await this.#write(current, decisionOf(known.record));
    });
  }

  /** Whether an instance carries the labels that its record asks for. One that is being written to counts as such. */
  isLabelled(instance: InstanceContent): boolean {
    return this.#writer.isLabelled(instance);
  }

  /** Corrects an instance's labels: one was removed, or the prefix has changed. @throws instance_gone, orthanc_… */
  async relabel(id: InstanceId): Promise<void> {
    await this.#exclusive(id, async () => this.#writer.relabel(await this.#read(id)));
  }

  /** Deletes the request that an instance had when it was read: it is answered. One that has come since is not. */
  async dropRequest(instance: IdentifiedInstance): Promise<void> {
    const request = requestOf(instance);
    const text = instance.Metadata[metadataNames.request];
    if (request === undefined || text === undefined) return;
    if (this.#parts.seal.isUnsealed(instance))
      this.events.emit('unsealed', { instance: instance.ID, who: request.who });
    await this.#parts.orthanc.metadata.deleteIf(`instances/${instance.ID}`, metadataNames.request, text);
  }

  #exclusive<T>(id: InstanceId, task: () => Promise<T>): Promise<T> {
    return this.#parts.locks.exclusive('instance', id, task);
  }

  #read(id: InstanceId): Promise<Current> {
    return this.#parts.orthanc.hierarchy.instanceWithStudy(id, undefined);
  }

  /**
   * The study is read only for what is alone in it. The content of a large one names all its instances, so it is not read
   * again and again.
   */
  async #readKnown(
    before: IdentifiedInstance,
    parents: IdentifiedParents | undefined,
    coming: ComingDecision | undefined,
  ): Promise<Current> {
    const { ID } = before;
    const { hierarchy } = this.#parts.orthanc;
    const mayBeAlone =
      parents === undefined ||
      !(this.#parts.aggregates.isLarge(parents.study) || coming?.hasCompany() === true);
    if (mayBeAlone) return hierarchy.instanceWithStudy(ID, parents);
    const instance = await hierarchy.again(before);
    if (instance === undefined) throw createError('instance_gone', { instance: ID });
    return { instance, study: parents.study };
  }

  async #write(current: Current, given: NewDecision, seen?: Seen, ends?: EndedCorrection): Promise<Recorded> {
    const recorded = await this.#writer.write(current, given, seen, ends);
    this.events.emit('recorded', recorded);
    return recorded;
  }
}
