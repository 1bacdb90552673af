import type { Classifier } from '../classify/classifier.js';
import { decide } from '../classify/decide.js';
import type { Config } from '../config/options.js';
import { asksAnew, isHalfCorrected, recordOf, requestOf } from '../decisions/read.js';
import type { Recorder } from '../decisions/recorder.js';
import type { InstanceRecord, NewDecision } from '../decisions/schema.js';
import { asPlainviewError, createError, type PlainviewError } from '../errors/errors.js';
import type { FollowUp } from '../followups/follow-up.js';
import type { Metrics, Stage } from '../metrics/metrics.js';
import type { DescribedInstance } from '../orthanc/hierarchy.js';
import type { InstanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { Description, InstanceContent } from '../orthanc/resources.js';
import type { Job } from '../queue/queue.js';
import { frameOf, type SkipReason, whyNotRadiograph } from './eligible.js';

export type Outcome =
  | { kind: 'decided'; decision: InstanceRecord['decision']; category?: string; ms: number }
  | { kind: 'skipped'; why: SkipReason };

/** One instance from its id to its labels: describe → render → classify → decide → record → what follows. */
export class Pipeline {
  readonly #orthanc: Orthanc;
  readonly #classifier: Classifier;
  readonly #recorder: Recorder;
  readonly #metrics: Metrics;
  readonly #config: Config;
  readonly #followUps: readonly FollowUp[];

  constructor(parts: {
    orthanc: Orthanc;
    classifier: Classifier;
    recorder: Recorder;
    metrics: Metrics;
    config: Config;
    followUps?: readonly FollowUp[];
  }) {
    this.#orthanc = parts.orthanc;
    this.#classifier = parts.classifier;
    this.#recorder = parts.recorder;
    this.#metrics = parts.metrics;
    this.#config = parts.config;
    this.#followUps = parts.followUps ?? [];
  }

  /** @throws errors of the catalogue; nothing half-done is left that a second run does not mend */
  async process(job: Job): Promise<Outcome> {
    const began = performance.now();
    const isNew = job.isNew && !this.#recorder.isKept(job.instance);
    return (
      (isNew ? await this.#processNew(job.instance, began) : undefined) ?? this.#process(job.instance, began)
    );
  }

  /**
   * The short way of an instance that had no metadata of ours when its job was made: that is checked before the first
   * write, not before the rendering.
   * @returns undefined where it turns out not to be new
   */
  async #processNew(id: InstanceId, began: number): Promise<Outcome | undefined> {
    const described = await this.#timed('describe', () => this.#orthanc.hierarchy.describe(id));
    const why = whyNotRadiograph(described.tags, this.#config);
    return why === undefined ? this.#decide(described, undefined, began) : { kind: 'skipped', why };
  }

  async #process(id: InstanceId, began: number): Promise<Outcome> {
    const { hierarchy } = this.#orthanc;
    const [described, instance] = await this.#timed('describe', () =>
      Promise.all([hierarchy.describe(id), hierarchy.instance(id)]),
    );
    const whyNot = whyNotRadiograph(described.tags, this.#config);
    const settled =
      whyNot ?? this.#whyDecided(instance) ?? (await this.#restore(instance, described.descriptions));
    if (settled === undefined) {
      const outcome = await this.#decide(described, instance, began);
      if (outcome !== undefined) return outcome;
      throw createError('orthanc_conflict', { what: `instance ${id}` });
    }
    const isNews = settled === 'correction_put_back' || isHalfCorrected(instance);
    await this.#leave(instance);
    if (whyNot === undefined) await (isNews ? this.#followAnew(id) : this.#follow(instance));
    return { kind: 'skipped', why: settled };
  }

  /**
   * Records that an instance could not be classified, so that a person can find it; or, where that is decided, that
   * something could not be made of the decision. What a person has said stands: only a decision may replace it.
   * @throws errors of the catalogue, where Orthanc does not take the record
   */
  async recordFailure(job: Job, failure: { code: string; message: string }): Promise<Outcome> {
    // Its metadata alone: the attributes of a file that cannot be read cannot be asked for.
    const instance = await this.#orthanc.hierarchy.instance(job.instance);
    const settled = this.#whyDecided(instance) ?? (await this.#restore(instance));
    if (settled !== undefined) {
      for (const followUp of this.#due(instance)) await followUp.giveUp(instance, failure);
      return { kind: 'skipped', why: settled };
    }
    if (recordOf(instance)?.record.who === 'person') {
      await this.#leave(instance);
      return { kind: 'skipped', why: 'corrected_by_person' };
    }
    const outcome = await this.#recorder.record(
      { id: job.instance, parents: undefined, descriptions: [] },
      instance,
      { decision: 'failed', reason: failure.message, failure, top: [], ms: 0, ...this.#by(instance) },
    );
    if (outcome !== 'recorded') return { kind: 'skipped', why: 'corrected_by_person' };
    await this.#followAnew(job.instance);
    return { kind: 'decided', decision: 'failed', ms: 0 };
  }

  /** Orthanc loses the metadata of a file that it replaces. A person's decision is written again. */
  async #restore(
    instance: InstanceContent,
    descriptions?: readonly Description[],
  ): Promise<SkipReason | undefined> {
    const isLost = recordOf(instance) === undefined;
    return isLost && (await this.#recorder.restore(instance, descriptions))
      ? 'correction_put_back'
      : undefined;
  }

  /** Nothing is to be decided: a person's decision is written to its end, labels are put right, a request is answered. */
  async #leave(instance: InstanceContent): Promise<void> {
    if (isHalfCorrected(instance)) await this.#recorder.finish(instance.ID);
    else if (!this.#recorder.isLabelled(instance)) await this.#recorder.relabel(instance.ID);
    await this.#recorder.dropRequest(instance);
  }

  /** Why nothing is left to do with an instance; undefined if something is. */
  whySettled(instance: InstanceContent): SkipReason | undefined {
    return this.isUnfinished(instance) ? undefined : this.#whyDecided(instance);
  }

  /**
   * Whether what was begun with an instance was cut off: a decision half written or half taken back, a report or a
   * route still to be made. Another network's decision is none of it: two services would decide against each other.
   */
  isUnfinished(instance: InstanceContent): boolean {
    const known = recordOf(instance);
    if (known === undefined) return false;
    const { who, network } = known.record;
    const isOurs = who === 'person' || network.sha256 === this.#classifier.network.sha256;
    return (isOurs && !known.complete) || this.#due(instance).length > 0;
  }

  #due(instance: InstanceContent): FollowUp[] {
    return this.#followUps.filter((followUp) => followUp.isDue(instance));
  }

  /** Runs what follows a decision that was just recorded. */
  async #followAnew(id: InstanceId): Promise<void> {
    if (this.#followUps.length === 0) return;
    const [instance] = await this.#orthanc.hierarchy.instances([id]);
    if (instance !== undefined) await this.#follow(instance);
  }

  async #follow(instance: InstanceContent): Promise<void> {
    const failures: PlainviewError[] = [];
    // A failure of one does not keep the others from running. The next try is for what is still due.
    for (const followUp of this.#due(instance))
      await this.#timed('follow', () => followUp.run(instance.ID)).catch((error: unknown) =>
        failures.push(asPlainviewError(error)),
      );
    // A transient one first: another one gives up all that is still due.
    const worst = failures.find(({ transient }) => transient) ?? failures[0];
    if (worst !== undefined) throw worst;
  }

  /**
   * @param before as it was read; undefined: it was new
   * @returns undefined where it turns out not to be new
   */
  async #decide(
    described: DescribedInstance,
    before: InstanceContent | undefined,
    began: number,
  ): Promise<Outcome | undefined> {
    const decided = await this.#classify(described, before);
    const ms = Math.round(performance.now() - began);
    const recorded = await this.#timed('record', () =>
      this.#recorder.record(described, before, { ...decided, ms }),
    );
    if (recorded === 'not new') return undefined;
    if (recorded === 'recorded') this.#observe('total', (performance.now() - began) / 1000);
    await this.#followAnew(described.id);
    if (recorded === 'corrected') return { kind: 'skipped', why: 'corrected_by_person' };
    return {
      kind: 'decided',
      decision: decided.decision,
      ...(decided.category === undefined ? {} : { category: decided.category }),
      ms,
    };
  }

  /** Why an instance needs no look by this network; undefined if it needs one. */
  #whyDecided(instance: InstanceContent): SkipReason | undefined {
    const known = recordOf(instance);
    if (known === undefined) return undefined;
    const request = requestOf(instance);
    if (request !== undefined && asksAnew(request, known.record)) return undefined;
    if (known.record.who === 'person') return 'corrected_by_person';
    const same = known.record.network.sha256 === this.#classifier.network.sha256;
    return same && known.complete ? 'already_decided' : undefined;
  }

  async #classify(
    { id, tags }: DescribedInstance,
    before: InstanceContent | undefined,
  ): Promise<Omit<NewDecision, 'ms'>> {
    const { rows = 0, columns = 0 } = tags;
    const limit = this.#config.maxMegapixels;
    if (rows * columns > limit * 1_000_000) throw createError('picture_too_large', { rows, columns, limit });
    const frame = frameOf(tags, this.#config);
    const picture = await this.#timed('render', () => this.#orthanc.renderings.whole(id, frame));
    const { scores, seconds } = await this.#classifier.classify(picture);
    for (const stage of ['decode', 'prepare', 'infer'] as const) this.#observe(stage, seconds[stage]);
    const { decision, category, reason, top } = decide(scores, this.#classifier.network);
    return { decision, ...(category === undefined ? {} : { category }), reason, top, ...this.#by(before) };
  }

  #by(instance: InstanceContent | undefined) {
    const { network, engine } = this.#classifier;
    const request = instance && requestOf(instance);
    return {
      who: 'network' as const,
      network: { name: network.name, sha256: network.sha256 },
      engine: engine.engine,
      when: new Date().toISOString(),
      ...(request === undefined ? {} : { requested: { who: request.who, when: request.when } }),
    };
  }

  async #timed<T>(stage: Stage, step: () => Promise<T>): Promise<T> {
    const began = performance.now();
    try {
      return await step();
    } finally {
      this.#observe(stage, (performance.now() - began) / 1000);
    }
  }

  #observe(stage: Stage, seconds: number): void {
    this.#metrics.stageSeconds.observe({ stage }, seconds);
  }
}
