import type { Classifier } from '../classify/classifier.js';
import type { Config } from '../config/options.js';
import type { ComingDecision } from '../decisions/aggregates.js';
import { isBy, isHalfWritten, recordOf, requestOf } from '../decisions/read.js';
import { reasonOf } from '../decisions/reasons.js';
import type { Recorder } from '../decisions/recorder.js';
import type { InstanceRecord, NewDecision } from '../decisions/schema.js';
import { partingBetween } from '../decisions/shadow.js';
import { pictureOf } from '../decisions/tags-record.js';
import { hasOtherVersion } from '../decisions/versions.js';
import { createError, type ErrorDetail, hasCode } from '../errors/errors.js';
import type { FollowUp } from '../followups/follow-up.js';
import type { Metrics } from '../metrics/metrics.js';
import type { DescribedInstance } from '../orthanc/hierarchy.js';
import type { InstanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { kindsOf } from '../orthanc/radiographs.js';
import type { IdentifiedInstance, InstanceContent } from '../orthanc/resources.js';
import type { Job, Reason } from '../queue/queue.js';
import { noTracing, type Tracing } from '../tracing/tracing.js';
import { type SkipReason, whyNotRadiograph } from './eligible.js';
import { isDoubtful, isWorthAnotherTry } from './failures.js';
import { FollowUps } from './follow-ups.js';
import { Judge, type PicturesInWork } from './judge.js';
import type { KeptFeatures } from './kept-features.js';
import { Stages } from './stages.js';

export type Outcome =
  | { kind: 'decided'; decision: InstanceRecord['decision']; category?: string; ms: number }
  | { kind: 'skipped'; why: SkipReason; kinds?: readonly string[] };

/** Reads an instance while none of its metadata is being put back: see `Tagger`. */
type ReadWhole = <T>(instance: InstanceId, read: () => Promise<T>) => Promise<T>;

/** Processes one instance, from its id to its labels: describe → render → classify → decide → record → follow-ups. */
export class Pipeline {
  readonly #orthanc: Orthanc;
  readonly #classifier: Classifier;
  readonly #recorder: Recorder;
  readonly #metrics: Metrics;
  readonly #config: Config;
  readonly #followUps: FollowUps;
  readonly #whole: ReadWhole;
  readonly #judge: Judge;
  readonly #stages: Stages;
  readonly #tracing: Tracing;

  constructor(parts: {
    orthanc: Orthanc;
    classifier: Classifier;
    recorder: Recorder;
    metrics: Metrics;
    config: Config;
    inWork: PicturesInWork;
    whole?: ReadWhole;
    kept?: KeptFeatures;
    followUps?: readonly FollowUp[];
    tracing?: Tracing | undefined;
  }) {
    this.#orthanc = parts.orthanc;
    this.#classifier = parts.classifier;
    this.#recorder = parts.recorder;
    this.#metrics = parts.metrics;
    this.#config = parts.config;
    this.#whole = parts.whole ?? ((_id, read) => read());
    this.#tracing = parts.tracing ?? noTracing;
    this.#stages = new Stages(parts.metrics, this.#tracing);
    this.#judge = new Judge({ ...parts, stages: this.#stages });
    this.#followUps = new FollowUps(parts.followUps ?? [], this.#stages);
  }

  /** How many instances of each follow-up wait for it, because it failed and is tried again. */
  followUpsDue(): Iterable<readonly [name: string, count: number]> {
    return this.#followUps.begun();
  }

  /**
   * Another run completes what a run before it left half-done.
   * @throws errors of the catalogue
   */
  async process(job: Job): Promise<Outcome> {
    const { instance, reason, attempt } = job;
    const attributes = {
      'plainview.instance': instance,
      'plainview.reason': reason,
      'plainview.attempt': attempt,
    };
    try {
      return await this.#tracing.job(attributes, () => this.#process(job), attributesOf);
    } catch (error) {
      if (hasCode(error, 'instance_gone')) this.#followUps.forget(instance);
      throw error;
    }
  }

  async #process(job: Job): Promise<Outcome> {
    const began = performance.now();
    const { instance: id } = job;
    const { hierarchy } = this.#orthanc;
    const read = await this.#stages.timed('describe', () =>
      this.#whole(id, async () => {
        const instance = await hierarchy.instance(id);
        // As after a notice of what Plainview itself has stored anew. Orthanc need not open the file for it.
        const why =
          requestOf(instance) === undefined ? await this.whySettled(instance, job.reason) : undefined;
        return why === undefined ? { instance, described: await hierarchy.describe(id) } : { why };
      }),
    );
    if (read.why !== undefined) return { kind: 'skipped', why: read.why };
    const { instance, described } = read;
    if (hasOtherVersion(instance)) return { kind: 'skipped', why: 'other_version' };
    const whyNot = whyNotRadiograph(described.tags, this.#config);
    const restored =
      whyNot === undefined && recordOf(instance) === undefined
        ? await this.#recorder.restore(instance, described)
        : undefined;
    const settled =
      whyNot ??
      this.#whyDecided(instance, job.reason) ??
      (restored === 'restored' ? 'correction_put_back' : undefined);
    if (settled === undefined) {
      const other = restored === 'restored' ? undefined : restored?.other;
      // Somebody may wait for what a notice has brought, so that does not wait for others.
      const study = job.reason === 'hook' ? undefined : described.parents?.study;
      const coming = study && this.#recorder.comes(study);
      return this.#decide(described, instance, { began, job, other, coming }).finally(coming?.leave);
    }
    const isWritten = settled === 'correction_put_back' || isHalfWritten(instance);
    await this.#completeWrites(instance);
    if (whyNot === undefined)
      await (isWritten ? this.#readAndFollow(instance) : this.#followUps.run(instance));
    return skipped(settled, described);
  }

  /**
   * Records that an instance could not be classified, so that a person can find it. Where it is decided already, records
   * that its follow-ups failed. A failure never replaces a person's decision.
   * @throws errors of the catalogue where the record cannot be written
   */
  async recordFailure(job: Job, failure: ErrorDetail): Promise<Outcome> {
    // Only its metadata is read: the file may be the cause of the failure.
    const instance = await this.#whole(job.instance, () => this.#orthanc.hierarchy.instance(job.instance));
    if (hasOtherVersion(instance)) return { kind: 'skipped', why: 'other_version' };
    const isLost = recordOf(instance) === undefined;
    const restored = isLost ? await this.#recorder.restore(instance) : undefined;
    const settled =
      this.#whyDecided(instance, job.reason) ?? (restored === 'restored' ? 'correction_put_back' : undefined);
    if (settled !== undefined) {
      await this.#followUps.recordFailure(instance, failure);
      return { kind: 'skipped', why: settled };
    }
    if (recordOf(instance)?.record.who === 'person') {
      await this.#completeWrites(instance);
      return { kind: 'skipped', why: 'corrected_by_person' };
    }
    // A doubtful answer is here only where Orthanc gave it twice.
    const isFinal = isDoubtful(failure.code) || recordOf(instance)?.record.decision === 'failed';
    const outcome = await this.#recorder.record({ id: job.instance }, instance, {
      decision: 'failed',
      reason: failure.message,
      failure: { ...failure, isFinal },
      top: [],
      ms: 0,
      ...this.#judge.provenance(instance),
    });
    if (outcome !== 'recorded')
      return {
        kind: 'skipped',
        why: outcome === 'already decided' ? 'already_decided' : 'corrected_by_person',
      };
    await this.#readAndFollow(instance);
    return { kind: 'decided', decision: 'failed', ms: 0 };
  }

  /** For an instance that needs no decision: completes a half-written decision, corrects the labels, deletes the request. */
  async #completeWrites(instance: IdentifiedInstance): Promise<void> {
    if (isHalfWritten(instance)) await this.#recorder.finish(instance.ID);
    else if (!this.#recorder.isLabelled(instance)) await this.#recorder.relabel(instance.ID);
    if (await this.#recorder.isUnkept(instance)) await this.#recorder.keep(instance.ID);
    await this.#recorder.dropRequest(instance);
  }

  /** @returns why nothing is left to do with an instance, for this reason; undefined if something is */
  async whySettled(instance: IdentifiedInstance, reason: Reason): Promise<SkipReason | undefined> {
    if (hasOtherVersion(instance)) return 'other_version';
    if (!this.#recorder.isLabelled(instance) || this.isUnfinished(instance)) return undefined;
    if (await this.#recorder.isUnkept(instance)) return undefined;
    return (
      this.#whyDecided(instance, reason) ??
      ((await this.#judge.agrees(instance)) ? 'already_decided' : undefined)
    );
  }

  /**
   * Whether earlier work on an instance was interrupted: a decision is half-written or half undone, or a follow-up is
   * due. A half-written decision of another network does not count: two services would overwrite each other's decisions.
   */
  isUnfinished(instance: InstanceContent): boolean {
    const known = recordOf(instance);
    if (known === undefined || hasOtherVersion(instance)) return false;
    const isOurs = known.record.who === 'person' || isBy(known.record, this.#classifier.network);
    return (isOurs && !known.complete) || this.#followUps.isDue(instance);
  }

  /** Reads the instance after its decision was written, and runs its follow-ups. */
  async #readAndFollow(before: IdentifiedInstance): Promise<void> {
    if (this.#followUps.isEmpty) return;
    const instance = await this.#orthanc.hierarchy.again(before);
    if (instance !== undefined) await this.#followUps.run(instance);
  }

  /**
   * @param before the instance as it was read
   * @param other a person's decision about another picture that had the same SOP Instance UID
   */
  async #decide(
    described: DescribedInstance,
    before: IdentifiedInstance,
    {
      began,
      job,
      other,
      coming,
    }: {
      began: number;
      job: Job;
      other: NewDecision | undefined;
      coming: ComingDecision | undefined;
    },
  ): Promise<Outcome> {
    const picture = pictureOf(before);
    const classified = await this.#judge
      .decide(described, before, job.reason)
      .catch(async (error: unknown) => {
        // The failure of a file that is gone says nothing of the one that replaced it.
        if (pictureOf(await this.#orthanc.hierarchy.instance(described.id)) !== picture)
          throw createError('picture_replaced', { instance: described.id }, error);
        throw error;
      });
    const decided = other === undefined ? classified : underReview(classified, other);
    const ms = Math.round(performance.now() - began);
    const recorded = await this.#stages.timed('record', () =>
      this.#recorder.record(described, before, { ...decided, ms }, coming),
    );
    if (recorded === 'other version') return { kind: 'skipped', why: 'other_version' };
    if (recorded === 'recorded') this.#count(decided, began);
    await this.#readAndFollow(before);
    if (recorded === 'corrected') return { kind: 'skipped', why: 'corrected_by_person' };
    if (recorded === 'already decided') return { kind: 'skipped', why: 'already_decided' };
    return {
      kind: 'decided',
      decision: decided.decision,
      ...(decided.category === undefined ? {} : { category: decided.category }),
      ms,
    };
  }

  /**
   * What another network has decided is decided anew by a sweep alone: else a switch of the network would change some
   * decisions at once, and others later.
   * @returns why an instance needs no decision by this network; undefined if it needs one
   */
  #whyDecided(instance: IdentifiedInstance, reason: Reason): SkipReason | undefined {
    const known = recordOf(instance);
    if (known === undefined) return undefined;
    if (this.#recorder.asksAnew(instance, known.record)) return undefined;
    if (known.record.who === 'person') return 'corrected_by_person';
    if (isWorthAnotherTry(known.record)) return undefined;
    const isSame = isBy(known.record, this.#classifier.network);
    if (!isSame) return known.complete && reason !== 'sweep' ? 'already_decided' : undefined;
    // One that is half-written is finished, not made anew: it may be the undo of a person's.
    return known.complete || known.record.decision !== 'failed' ? 'already_decided' : undefined;
  }

  #count({ shadow, ...decided }: Omit<NewDecision, 'ms'>, began: number): void {
    this.#stages.observe('total', (performance.now() - began) / 1000);
    if (shadow === undefined) return;
    this.#metrics.shadow.inc({ outcome: partingBetween(decided, shadow) });
  }
}

/** Of the span of a job. */
const attributesOf = (outcome: Outcome): Record<string, string> =>
  outcome.kind === 'skipped'
    ? { 'plainview.outcome': 'skipped', 'plainview.why': outcome.why }
    : { 'plainview.outcome': outcome.decision, 'plainview.category': outcome.category ?? 'none' };

const skipped = (why: SkipReason, { tags }: DescribedInstance): Outcome => ({
  kind: 'skipped',
  why,
  ...(why === 'modality' ? { kinds: kindsOf(tags.sopClassUid, tags.modality) } : {}),
});

/** A picture that replaces another one, about which a person decided, is for a person to look at. */
function underReview(
  { category: _, ...classified }: Omit<NewDecision, 'ms'>,
  other: NewDecision,
): Omit<NewDecision, 'ms'> {
  const said = reasonOf('same_uid', {
    who: other.person?.who ?? 'a person',
    category: other.category ?? '',
  });
  return {
    ...classified,
    decision: 'needs_review',
    reason: `${said.reason}. Of this one: ${classified.reason}`,
    because: [...said.because, ...(classified.because ?? [])],
  };
}
