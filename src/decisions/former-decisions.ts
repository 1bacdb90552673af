import type { Orientation } from '../classify/orientation.js';
import type { DescribedInstance } from '../orthanc/hierarchy.js';
import { type InstanceId, instanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { type PictureHeader, unknownPixels } from '../orthanc/renderings.js';
import type { IdentifiedInstance } from '../orthanc/resources.js';
import type { CorrectionStore, EndedCorrection, KeptPicture } from './correction-store.js';
import { recordOf, requestOf, standingCorrection } from './read.js';
import { reasonOf } from './reasons.js';
import type { RequestSeal } from './request-seal.js';
import { type Acknowledgement, type DecisionRecord, decisionRecord, type NewDecision } from './schema.js';

/** What a person decided about a picture that an instance without a record may show. */
export interface Former {
  /** Whether the instance shows that very picture. Else another picture had its SOP Instance UID. */
  isSamePicture: boolean;
  /** A person's. */
  decision: NewDecision;
  /** Fingerprint of the picture, where it was compared. */
  pixels?: string;
}

type PlainTags = Pick<DescribedInstance['tags'], 'frames' | 'isSigned' | 'isAnonymised'> & PictureHeader;

/** What the file says of the picture. */
export type DescribedPicture = Pick<DescribedInstance, 'traits' | 'tags'>;

/** Finds what people decided about a picture when it had another identifier in Orthanc, or was gone from it. */
export class FormerDecisions {
  readonly #orthanc: Pick<Orthanc, 'hierarchy' | 'renderings'>;
  readonly #corrections: CorrectionStore;
  readonly #seal: RequestSeal;

  constructor(
    orthanc: Pick<Orthanc, 'hierarchy' | 'renderings'>,
    corrections: CorrectionStore,
    seal: RequestSeal,
  ) {
    this.#orthanc = orthanc;
    this.#corrections = corrections;
    this.#seal = seal;
  }

  /**
   * @param instance has no record
   * @param described undefined where it was not read
   * @returns undefined where there is none
   * @throws state_damaged, instance_gone, orthanc_…
   */
  async find(
    instance: IdentifiedInstance,
    described: DescribedPicture | undefined,
  ): Promise<Former | undefined> {
    const older = await this.#corrections.ofOlderVersion(instance.ID);
    if (older !== undefined) return { isSamePicture: true, decision: older };
    const former = (await this.#corrections.ofUid(sopInstanceUidOf(instance))).at(-1);
    const source = await this.#ofSource(instance);
    const isSought =
      former !== undefined ||
      source !== undefined ||
      (await this.#corrections.hasTraits(described?.traits ?? ''));
    if (!isSought) return undefined;
    const tags = described?.tags ?? (await this.#tagsOf(instance.ID));
    const pixels = await this.#orthanc.renderings.fingerprint(instance.ID, tags);
    const same = source?.pixels === pixels ? source : await this.#corrections.ofPixels(pixels);
    if (same !== undefined && pixels !== unknownPixels) {
      // Orthanc forgets where a copy came from once it is stored again, or copied itself.
      const isAnonymised = tags.isAnonymised || 'AnonymizedFrom' in instance.Metadata;
      const decision = isAnonymised ? withoutNames(same.decision) : same.decision;
      return { isSamePicture: true, decision, pixels };
    }
    return former && { isSamePicture: false, decision: former.decision };
  }

  /**
   * @param decided a network's decision about an instance
   * @returns a person's decision about the picture that a request ends by it, where Orthanc has lost its record
   * @throws state_damaged, instance_gone, orthanc_…
   */
  async endedByRequest(
    instance: IdentifiedInstance,
    decided: NewDecision,
  ): Promise<EndedCorrection | undefined> {
    if (decided.requested === undefined || requestOf(instance) === undefined) return undefined;
    if (recordOf(instance) !== undefined) return undefined;
    const former = await this.find(instance, undefined);
    if (former === undefined || !former.isSamePicture || !this.#seal.asksAnew(instance, former.decision))
      return undefined;
    const { decision, pixels } = former;
    return { when: decision.when, ...(pixels === undefined ? {} : { pixels }) };
  }

  /** Of a file that may be the cause of a failure: where it cannot be described, it is taken for a plain one. */
  async #tagsOf(id: InstanceId): Promise<PlainTags> {
    return this.#orthanc.hierarchy.describe(id).then(
      ({ tags }) => tags,
      () => ({ frames: 1, isSigned: false, isAnonymised: false }),
    );
  }

  /** Of the instance that this one was made of: kept, or read in Orthanc where it is still there. */
  async #ofSource({
    Metadata,
  }: IdentifiedInstance): Promise<Pick<KeptPicture, 'pixels' | 'decision'> | undefined> {
    const source = instanceId.safeParse(Metadata.ModifiedFrom ?? Metadata.AnonymizedFrom);
    if (!source.success) return undefined;
    const kept = (await this.#corrections.ofInstance(source.data)).at(-1);
    if (kept !== undefined) return kept;
    const [instance] = await this.#orthanc.hierarchy.instances([source.data]);
    const decision = instance && standingCorrection(instance);
    if (decision === undefined) return undefined;
    const { tags } = await this.#orthanc.hierarchy.describe(source.data);
    return { pixels: await this.#orthanc.renderings.fingerprint(source.data, tags), decision };
  }
}

export const sopInstanceUidOf = ({ MainDicomTags }: IdentifiedInstance): string => MainDicomTags['0008,0018'];

const nobody = 'a person';

const withoutWords = ({ why: _, ...acknowledged }: Acknowledgement): Acknowledgement => ({
  ...acknowledged,
  who: nobody,
});

/** The network's decision, without who asked for it, and without who had decided about a picture that it replaced. */
function unnamed({ requested: _, reason, because, ...network }: DecisionRecord): DecisionRecord {
  return {
    ...network,
    reason: reason.replace(/(?<=SOP Instance UID, and ).+?(?= said of it: )/, nobody),
    because: because?.map(({ code, params }) => ({
      code,
      params: 'who' in params ? { ...params, who: nobody } : params,
    })),
  };
}

const unnamedOrientation = (known: Orientation): Orientation =>
  known === 'cannot_tell' || known.person === undefined
    ? known
    : { ...known, person: { ...known.person, who: nobody } };

/** For an anonymised copy: it must not name who decided, or who requested it. */
function withoutNames({
  requested: _,
  person,
  before,
  acknowledged,
  orientation,
  ...decision
}: NewDecision): NewDecision {
  return {
    ...decision,
    ...(orientation === undefined ? {} : { orientation: unnamedOrientation(orientation) }),
    ...reasonOf('copied', {}),
    ...(person === undefined ? {} : { person: { ...person, who: nobody } }),
    ...(before === undefined ? {} : { before: unnamed(decisionRecord.parse(before)) }),
    ...(acknowledged === undefined ? {} : { acknowledged: withoutWords(acknowledged) }),
  };
}
