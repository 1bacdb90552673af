import type { OrderCheck } from '../order-check/check.js';
import type { OrderRecord } from '../order-check/schema.js';
import { receptionTime } from '../orthanc/dates.js';
import type { DescribedInstance, StudyTree } from '../orthanc/hierarchy.js';
import type { InstanceId, StudyId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { IdentifiedInstance, InstanceContent } from '../orthanc/resources.js';
import type { Aggregates, ComingDecision } from './aggregates.js';
import type { CorrectionKeeper, SeenPicture } from './correction-keeper.js';
import type { CorrectionStore, EndedCorrection } from './correction-store.js';
import { type OtherPicture, otherPictures } from './exposure.js';
import { type Labelling, type LabelPlan, labelsOf, planAllLabels, planLabels, prefixed } from './labels.js';
import { followStandingRecord } from './overtaken.js';
import { writeRecord } from './owned-labels.js';
import { recordOf } from './read.js';
import {
  type InstanceRecord,
  instanceRecord,
  metadataNames,
  type NewDecision,
  readRecord,
  unknownCategory,
} from './schema.js';
import { declaredByOthers, descriptionsByOthers, metadataAsReceived } from './tags-record.js';
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

/** An instance as it is in Orthanc now. */
export interface Current {
  instance: IdentifiedInstance;
  study: StudyId;
  /** Given where the instance is the only one of its study. */
  tree?: StudyTree;
  /** Where others are to be added up with it. */
  coming?: ComingDecision | undefined;
}

/** What is known of the file of an instance already. */
export interface Seen
  extends SeenPicture,
    Pick<DescribedInstance, 'descriptions' | 'exposure' | 'declared'> {}

export interface RecordParts extends Labelling {
  orthanc: Orthanc;
  labelPrefix: string;
  aggregates: Aggregates;
  /** Without one, decisions are not compared with the order. */
  orderCheck?: OrderCheck;
  corrections: CorrectionStore;
}

interface Parts extends RecordParts {
  keeper: CorrectionKeeper;
  dropRequest: (instance: IdentifiedInstance) => Promise<void>;
}

/**
 * Writes one decision into Orthanc, on all levels. The caller has the instance's lock. The order of the writes makes a crash at
 * any point mendable by a second run: a record is written before the labels that it owns, so no label of ours is taken for
 * somebody else's. `RadiographCategory` is written last: where it is present, all three levels are done.
 */
export class RecordWriter {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * @param seen the file, where it was read already
   * @param ends the person's decision that a request ends by this
   */
  write(current: Current, given: NewDecision, seen?: Seen, ends?: EndedCorrection): Promise<Recorded> {
    return this.#parts.keeper.settling(current.instance, () => this.#writeBegun(current, given, seen, ends));
  }

  async #writeBegun(
    { instance, study, tree, coming }: Current,
    given: NewDecision,
    seen: Seen | undefined,
    endedByRequest: EndedCorrection | undefined,
  ): Promise<Recorded> {
    const { orthanc, aggregates, corrections, orderCheck } = this.#parts;
    const isCompared = orderCheck !== undefined && given.decision !== 'failed';
    const file =
      seen ??
      (isCompared || given.who === 'person' ? await orthanc.hierarchy.describe(instance.ID) : undefined);
    const order = isCompared && file && this.compare(given, file, instance);
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
    if (decided.who === 'person' && file !== undefined) await this.#parts.keeper.begin(instance, file, given);
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
      const known = tree && withRecord(tree, text, plan);
      const instances = await aggregates.aggregate(study, instance.ID, known, coming);
      // Before the last write, so that a run that is cut off here is repeated. An instance that is alone has no others.
      if (tree === undefined) sameExposure = await otherPictures(orthanc, study, exposure, instances);
      await this.#parts.dropRequest(instance);
      await orthanc.metadata.put(resource, metadataNames.category, decided.category ?? unknownCategory);
    }
    await followStandingRecord(this.#parts, { instance, study, text, added });
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

  compare(
    decided: Pick<InstanceRecord, 'category' | 'side'>,
    { descriptions }: Pick<Seen, 'descriptions'>,
    instance: IdentifiedInstance,
  ): OrderRecord | undefined {
    return this.#parts.orderCheck?.check(decided, descriptionsByOthers(descriptions, instance));
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
  async relabel({ instance, study }: Current): Promise<void> {
    const known = recordOf(instance);
    if (known === undefined || this.isLabelled(instance)) return;
    const { record } = known;
    const { ID } = instance;
    const plan = planAllLabels(instance.Labels, record.labels, this.#labelsOf(record));
    const { text, added } = await writeRecord(
      this.#parts.orthanc,
      `instances/${ID}`,
      instance,
      plan,
      (labels) => ({ ...record, labels }),
    );
    await this.#parts.aggregates.aggregate(study, ID);
    await followStandingRecord(this.#parts, { instance, study, text, added });
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
