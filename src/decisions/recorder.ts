import { EventEmitter } from 'node:events';
import { createError, hasCode } from '../errors/errors.js';
import type { OrderCheck } from '../order-check/check.js';
import type { OrderRecord } from '../order-check/schema.js';
import { receptionTime } from '../orthanc/dates.js';
import type { DescribedInstance, Parents, StudyTree } from '../orthanc/hierarchy.js';
import type { InstanceId, StudyId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { IdentifiedInstance, InstanceContent } from '../orthanc/resources.js';
import type { Locks } from '../store/locks.js';
import type { Aggregates } from './aggregates.js';
import type { Shown } from './correction.js';
import { CorrectionKeeper, type SeenPicture } from './correction-keeper.js';
import type { CorrectionStore, EndedCorrection } from './correction-store.js';
import { type OtherPicture, otherPictures } from './exposure.js';
import { FormerDecisions } from './former-decisions.js';
import { type Labelling, type LabelPlan, labelsOf, planAllLabels, planLabels, prefixed } from './labels.js';
import { isCompletedSince, requirePicture, withoutNewRequest } from './meanwhile.js';
import { differencesOf, settledIn } from './open-states.js';
import { followStandingRecord } from './overtaken.js';
import { writeRecord } from './owned-labels.js';
import { decisionOf, recordOf, requestOf } from './read.js';
import type { RequestSeal } from './request-seal.js';
import {
  type InstanceRecord,
  instanceRecord,
  metadataNames,
  type NewDecision,
  readRecord,
  unknownCategory,
} from './schema.js';
import { declaredByOthers, descriptionsByOthers, metadataAsReceived, pictureOf } from './tags-record.js';
import { hasOtherVersion } from './versions.js';

/** A decision that now stands in Orthanc, and the one that it replaced. */
export interface Recorded {
  instance: InstanceId;
  study: StudyId;
  record: InstanceRecord;
  previous: InstanceRecord | undefined;
  /** When Orthanc received the picture, milliseconds since 1970; undefined where it does not say. */
  receivedMs?: number | undefined;
  /** Other decided instances that show the same exposure. */
  sameExposure: OtherPicture[];
}

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

/** An instance as it is in Orthanc now. */
interface Current {
  instance: IdentifiedInstance;
  study: StudyId;
  /** Given where the instance is the only one of its study. */
  tree?: StudyTree;
}

/** What is known of the file of an instance already. */
interface Seen extends SeenPicture, Pick<DescribedInstance, 'descriptions' | 'exposure' | 'declared'> {}

interface Parts extends Labelling {
  orthanc: Orthanc;
  labelPrefix: string;
  locks: Locks;
  aggregates: Aggregates;
  /** Without one, decisions are not compared with the order. */
  orderCheck?: OrderCheck;
  corrections: CorrectionStore;
  seal: RequestSeal;
}

/** Tries of a person's decision, each after another writer was met. */
const mostTries = 3;

/**
 * Writes decisions into Orthanc. Their order makes a crash at any point mendable by a second run: a record is written
 * before the labels that it owns, so no label of ours is taken for somebody else's. `RadiographCategory` is written
 * last: where it is present, all three levels are done.
 */
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
  readonly #formerDecisions: FormerDecisions;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#keeper = new CorrectionKeeper(parts.orthanc, parts.corrections);
    this.#formerDecisions = new FormerDecisions(parts.orthanc, parts.corrections, parts.seal);
  }

  /**
   * Records a network's decision, unless a person decided while it was made: theirs is the newer one.
   * @param described without the file's attributes where it failed
   * @param before as read at the start of the job
   * @throws picture_replaced, instance_gone, orthanc_…
   */
  async record(
    described: DescribedInstance | { id: InstanceId; parents?: never },
    before: IdentifiedInstance,
    decided: NewDecision,
  ): Promise<RecordOutcome> {
    const { id, parents } = described;
    return this.#exclusive(id, async () => {
      const read = await this.#readKnown(id, parents);
      const current = { ...read, instance: withoutNewRequest(read.instance, before) };
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
        await this.#record(current, decision, described && { ...described, pixels });
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
          differencesOf(this.#compare(decided, file, current.instance));
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
    const known = recordOf(instance);
    if (known === undefined || !known.complete || hasOtherVersion(instance)) return true;
    const { labels } = known.record;
    const { add, remove, owned } = planAllLabels(instance.Labels, labels, this.#labelsOf(known.record));
    return add.length + remove.length === 0 && owned.join() === labels.join();
  }

  /** Corrects an instance's labels: one was removed, or the prefix has changed. @throws instance_gone, orthanc_… */
  async relabel(id: InstanceId): Promise<void> {
    await this.#exclusive(id, async () => {
      const { instance, study } = await this.#read(id);
      const known = recordOf(instance);
      if (known === undefined || this.isLabelled(instance)) return;
      const { record } = known;
      const plan = planAllLabels(instance.Labels, record.labels, this.#labelsOf(record));
      const { text, added } = await writeRecord(
        this.#parts.orthanc,
        `instances/${id}`,
        instance,
        plan,
        (labels) => ({ ...record, labels }),
      );
      await this.#parts.aggregates.aggregate(study, id);
      const picture = pictureOf(instance);
      await followStandingRecord(this.#parts, { instance: id, study, picture, text, added });
    });
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

  /** The content of a large study names all its instances, so it is not read again and again. */
  async #readKnown(id: InstanceId, parents: Parents | undefined): Promise<Current> {
    const { hierarchy } = this.#parts.orthanc;
    if (parents === undefined || !this.#parts.aggregates.isLarge(parents.study))
      return hierarchy.instanceWithStudy(id, parents);
    return { instance: await hierarchy.instance(id), study: parents.study };
  }

  async #write(current: Current, given: NewDecision, seen?: Seen, ends?: EndedCorrection): Promise<Recorded> {
    const recorded = await this.#record(current, given, seen, ends);
    this.events.emit('recorded', recorded);
    return recorded;
  }

  async #record(
    current: Current,
    given: NewDecision,
    seen?: Seen,
    ends?: EndedCorrection,
  ): Promise<Recorded> {
    return this.#keeper.settling(current.instance, () => this.#recordBegun(current, given, seen, ends));
  }

  async #recordBegun(
    { instance, study, tree }: Current,
    given: NewDecision,
    seen: Seen | undefined,
    endedByRequest: EndedCorrection | undefined,
  ): Promise<Recorded> {
    const { orthanc, aggregates, corrections, orderCheck } = this.#parts;
    const isCompared = orderCheck !== undefined && given.decision !== 'failed';
    const file =
      seen ??
      (isCompared || given.who === 'person' ? await orthanc.hierarchy.describe(instance.ID) : undefined);
    const order = isCompared && file && this.#compare(given, file, instance);
    const resource = `instances/${instance.ID}` as const;
    const previous = readRecord(instanceRecord, instance.Metadata[metadataNames.record]);
    const exposure = file === undefined ? previous?.exposure : file.exposure;
    const declared = file === undefined ? previous?.declared : declaredByOthers(file.declared, instance);
    const ends = previous?.who === 'person' ? { when: previous.when } : endedByRequest;
    const { requested } = given;
    const decided = {
      ...given,
      ...(requested && ends && given.who === 'network'
        ? { requested: { ...requested, ends: ends.when } }
        : {}),
      ...(order ? { order } : {}),
      ...(exposure === undefined ? {} : { exposure }),
      ...(declared === undefined ? {} : { declared }),
    };
    // Before anything changes: a decision that cannot be kept is refused.
    if (decided.who === 'person' && file !== undefined) await this.#keeper.begin(instance, file, given);
    else if (ends !== undefined) await corrections.begin(instance.ID, { decision: given, ends });
    // A decision that ends as it began has added what it asks for: nobody else is about to.
    const isFinish = previous?.when === given.when && previous.who === given.who;
    const plan = (isFinish ? planAllLabels : planLabels)(
      instance.Labels,
      previous?.labels ?? [],
      this.#labelsOf(decided),
    );
    const { labels, text, added, isOvertaken } = await writeRecord(
      orthanc,
      resource,
      instance,
      plan,
      (owned) => ({ version: 1, ...decided, labels: owned }),
      // Only now: where another service came first, the category is that of its decision.
      async () => {
        if (instance.Metadata[metadataNames.category] !== undefined)
          await orthanc.metadata.delete(resource, metadataNames.category);
      },
    );
    let sameExposure: OtherPicture[] = [];
    if (!isOvertaken) {
      await aggregates.aggregate(study, instance.ID, tree && withRecord(tree, text, plan));
      // Before the last write, so that a run that is cut off here is repeated. An instance that is alone has no others.
      if (tree === undefined) sameExposure = await otherPictures(orthanc, study, exposure);
      await this.dropRequest(instance);
      await orthanc.metadata.put(resource, metadataNames.category, decided.category ?? unknownCategory);
    }
    const picture = pictureOf(instance);
    await followStandingRecord(this.#parts, { instance: instance.ID, study, picture, text, added });
    await corrections.stand(instance.ID);
    return {
      instance: instance.ID,
      study,
      record: { version: 1, ...decided, labels },
      previous,
      receivedMs: receivedMs(instance),
      sameExposure,
    };
  }

  #compare(
    decided: { category?: string | undefined },
    { descriptions }: Pick<Seen, 'descriptions'>,
    instance: IdentifiedInstance,
  ): OrderRecord | undefined {
    return this.#parts.orderCheck?.check(decided, descriptionsByOthers(descriptions, instance));
  }

  #labelsOf(record: Omit<InstanceRecord, 'labels' | 'version'>): string[] {
    return prefixed(this.#parts.labelPrefix, labelsOf(record, this.#parts));
  }
}

/** The study as it is once record and labels of its only instance are written. */
const withRecord = (tree: StudyTree, text: string | undefined, { add, remove }: LabelPlan): StudyTree => ({
  ...tree,
  instances: tree.instances.map((instance) => ({
    ...instance,
    Labels: [...instance.Labels.filter((label) => !remove.includes(label)), ...add],
    Metadata: { ...instance.Metadata, ...(text === undefined ? {} : { [metadataNames.record]: text }) },
  })),
});

function receivedMs(instance: InstanceContent): number | undefined {
  const { ReceptionDate } = metadataAsReceived(instance);
  return ReceptionDate === undefined ? undefined : receptionTime(ReceptionDate);
}
