import { KeyedMutex } from '../async/keyed-mutex.js';
import { createError } from '../errors/errors.js';
import type { OrderCheck } from '../order-check/check.js';
import type { OrderRecord } from '../order-check/schema.js';
import type { InstanceId, ResourcePath, StudyId } from '../orthanc/ids.js';
import type { Orthanc, StudyTree } from '../orthanc/orthanc.js';
import type { Description, InstanceContent } from '../orthanc/resources.js';
import { Aggregates } from './aggregates.js';
import type { KeptCorrections } from './kept-corrections.js';
import { labelsOf, planLabels, prefixed } from './labels.js';
import { writeLabelled } from './owned-labels.js';
import { asksAnew, recordOf, requestOf } from './read.js';
import {
  type InstanceRecord,
  instanceRecord,
  metadataNames,
  type NewDecision,
  readRecord,
  unknownCategory,
} from './schema.js';
import { descriptionsByOthers } from './tags-record.js';

/** A decision that now stands in Orthanc, and the one that it replaced. */
export interface Recorded {
  instance: InstanceId;
  study: StudyId;
  record: InstanceRecord;
  previous: InstanceRecord | undefined;
}

/**
 * Writes decisions into Orthanc. The order makes a crash at any point mendable by running it again:
 * the record goes before the labels it owns, so no label of ours is ever taken for somebody else's;
 * `RadiographCategory` goes last, so its presence says that all three levels are done.
 */
export class Recorder {
  readonly #orthanc: Orthanc;
  readonly #prefix: string;
  readonly #orders: OrderCheck | undefined;
  readonly #corrections: KeptCorrections | undefined;
  readonly #groups: Aggregates;
  readonly #turns = new KeyedMutex<InstanceId>();
  readonly #told: (recorded: Recorded) => void;

  constructor(
    orthanc: Orthanc,
    labelPrefix: string,
    parts: {
      /** Without one, decisions are not compared with what was ordered. */
      orders?: OrderCheck;
      /** Without them, Orthanc alone remembers what people have decided. */
      corrections?: KeptCorrections;
      /** Hears of each decision once it stands on all levels. */
      told?: (recorded: Recorded) => void;
    } = {},
  ) {
    this.#orthanc = orthanc;
    this.#prefix = labelPrefix;
    this.#groups = new Aggregates(orthanc, labelPrefix);
    this.#orders = parts.orders;
    this.#corrections = parts.corrections;
    this.#told = parts.told ?? (() => undefined);
  }

  /**
   * Records a network's decision, unless a person has decided while it was made: theirs is the newer word.
   * @param instance as read at the start of the job
   * @param descriptions what DICOM says was meant, where it was read already
   * @returns whether it was recorded
   * @throws instance_gone, orthanc_…
   */
  async record(
    instance: InstanceContent,
    decided: NewDecision,
    descriptions?: readonly Description[],
  ): Promise<boolean> {
    return this.#turns.run(instance.ID, async () => {
      const current = await this.#read(instance.ID);
      const isNews = current.Metadata[metadataNames.record] !== instance.Metadata[metadataNames.record];
      const record = recordOf(current)?.record;
      if (isNews && record?.who === 'person') {
        const request = requestOf(current);
        // One that came after their word is for another job to answer.
        if (request === undefined || !asksAnew(request, record)) await this.dropRequest(current);
        return false;
      }
      this.#told(await this.#record(current, decided, descriptions));
      return true;
    });
  }

  /**
   * Puts back what a person has said of an instance whose record Orthanc has lost, unless it is asked for anew.
   * @returns whether there was anything to put back
   * @throws state_damaged, instance_gone, orthanc_…
   */
  async restore(instance: InstanceContent, descriptions?: readonly Description[]): Promise<boolean> {
    const { ID } = instance;
    const kept = this.#corrections?.read(ID);
    const request = requestOf(instance);
    if (kept === undefined || (request !== undefined && asksAnew(request, kept))) return false;
    return this.#turns.run(ID, async () => {
      const current = await this.#read(ID);
      if (recordOf(current) === undefined) await this.#record(current, kept, descriptions);
      return true;
    });
  }

  /**
   * Replaces a decision by what a person makes of it. No other decision is written in between.
   * @param next may throw: nothing is written then
   * @throws instance_gone, instance_undecided, orthanc_…
   */
  async replace(id: InstanceId, next: (current: InstanceRecord) => NewDecision): Promise<Recorded> {
    return this.#turns.run(id, async () => {
      const current = await this.#read(id);
      const known = recordOf(current);
      if (known === undefined) throw createError('instance_undecided', { instance: id });
      const recorded = await this.#record(current, next(known.record));
      this.#told(recorded);
      return recorded;
    });
  }

  /** Nothing is recorded of this instance meanwhile. */
  exclusively<T>(id: InstanceId, task: () => Promise<T>): Promise<T> {
    return this.#turns.run(id, task);
  }

  /** Ends what a crash left half-written of a person's decision. @throws instance_gone, orthanc_… */
  async finish(id: InstanceId): Promise<void> {
    await this.#turns.run(id, async () => {
      const current = await this.#read(id);
      const known = recordOf(current);
      if (known === undefined || known.complete) return;
      const { version: _, labels: __, order: ___, ...decided } = known.record;
      this.#told(await this.#record(current, decided));
    });
  }

  /** Whether an instance carries the labels that its record asks for; one that is still written to counts as such. */
  isLabelled(instance: InstanceContent): boolean {
    const known = recordOf(instance);
    if (known === undefined || !known.complete) return true;
    const { labels } = known.record;
    const { add, remove, owned } = planLabels(
      instance.Labels,
      labels,
      prefixed(this.#prefix, labelsOf(known.record)),
    );
    return add.length + remove.length === 0 && owned.join() === labels.join();
  }

  /** Puts an instance's labels right: somebody took one away, or the site has another prefix. @throws instance_gone, orthanc_… */
  async relabel(id: InstanceId): Promise<void> {
    await this.#turns.run(id, async () => {
      const current = await this.#read(id);
      const known = recordOf(current);
      if (known === undefined || this.isLabelled(current)) return;
      const { record } = known;
      const wanted = prefixed(this.#prefix, labelsOf(record));
      await writeLabelled(this.#orthanc, `instances/${id}`, current, record.labels, wanted, (labels) => ({
        ...record,
        labels,
      }));
      await this.aggregateStudy(await this.#orthanc.studyOf(id));
    });
  }

  async #read(id: InstanceId): Promise<InstanceContent> {
    const [instance] = await this.#orthanc.instances([id]);
    if (instance === undefined) throw createError('instance_gone', { instance: id });
    return instance;
  }

  async #record(
    instance: InstanceContent,
    given: NewDecision,
    descriptions?: readonly Description[],
  ): Promise<Recorded> {
    const order = await this.#compare(instance, given, descriptions);
    const decided = { ...given, ...(order === undefined ? {} : { order }) };
    const resource: ResourcePath = `instances/${instance.ID}`;
    // Before anything changes: one that cannot be kept is refused.
    if (decided.who === 'person') await this.#corrections?.keep(instance.ID, given);
    if (instance.Metadata[metadataNames.category] !== undefined)
      await this.#orthanc.deleteMetadata(resource, metadataNames.category);
    const previous = readRecord(instanceRecord, instance.Metadata[metadataNames.record]);
    const { labels } = await writeLabelled(
      this.#orthanc,
      resource,
      instance,
      previous?.labels ?? [],
      prefixed(this.#prefix, labelsOf(decided)),
      (owned) => ({ version: 1, ...decided, labels: owned }),
    );
    if (decided.who === 'network') await this.#corrections?.drop(instance.ID);
    const study = await this.#orthanc.studyOf(instance.ID);
    await this.aggregateStudy(study);
    await this.#orthanc.putMetadata(resource, metadataNames.category, decided.category ?? unknownCategory);
    await this.dropRequest(instance);
    const record: InstanceRecord = { version: 1, ...decided, labels };
    return { instance: instance.ID, study, record, previous };
  }

  /** @returns undefined where there is nothing to compare */
  async #compare(
    instance: InstanceContent,
    decided: Pick<InstanceRecord, 'decision' | 'category'>,
    descriptions: readonly Description[] | undefined,
  ): Promise<OrderRecord | undefined> {
    if (this.#orders === undefined || decided.decision === 'failed') return undefined;
    const all = descriptions ?? (await this.#orthanc.describe(instance.ID)).descriptions;
    return this.#orders.check(decided, descriptionsByOthers(all, instance));
  }

  /** Brings series and study in step with their instances as they stand in Orthanc now. */
  aggregateStudy(id: StudyId): Promise<void> {
    return this.#groups.aggregate(id);
  }

  /** Whether a study and its series say what their instances add up to. */
  isUpToDate(tree: StudyTree): boolean {
    return this.#groups.isUpToDate(tree);
  }

  /** The request has been answered. */
  async dropRequest(instance: InstanceContent): Promise<void> {
    if (requestOf(instance) !== undefined)
      await this.#orthanc.deleteMetadata(`instances/${instance.ID}`, metadataNames.request);
  }
}
