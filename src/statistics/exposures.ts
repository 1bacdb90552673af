import { networksDecision } from '../decisions/correction.js';
import type { Recorded } from '../decisions/recorder.js';
import type { InstanceRecord } from '../decisions/schema.js';
import { byPurpose, type Exposure, isSameExposure } from '../orthanc/exposure.js';
import type { InstanceId } from '../orthanc/ids.js';
import { countExisting, countRecorded, type DailyCounts } from './daily-counts.js';

/** Instances that are remembered. Older ones are judged by the time of their decision. */
const mostRemembered = 10_000;
const always = '9999';

/** Counts the decisions of exposures. Of several pictures of one exposure, only one is counted. */
export class ExposureCounter {
  readonly #since: string;
  /** Whether an instance with an exposure is counted, the latest last. */
  readonly #isCounted = new Map<InstanceId, boolean>();

  /** @param since decisions before this time (ISO 8601) are counted already, one of each exposure */
  constructor(since: string) {
    this.#since = since;
  }

  /** Counts a recorded decision. A picture for presentation is counted in place of a raw one. */
  count(into: DailyCounts, { instance, record, previous, sameExposure }: Recorded): void {
    if (record.exposure === undefined || (sameExposure.length === 0 && previous !== undefined)) {
      countRecorded(into, record, previous);
      return;
    }
    const former = previous === undefined ? [] : [{ instance, record: previous }];
    const counted = this.#countedOf([...former, ...sameExposure]);
    if (counted === undefined || counted.instance === instance) {
      countRecorded(into, record, counted?.record);
      this.#remember(instance, true);
      return;
    }
    const isBetter = byPurpose(record.exposure, counted.record.exposure) < 0;
    this.#remember(instance, isBetter);
    if (!isBetter) return;
    countExisting(into, counted.record, always, -1);
    countExisting(into, record, always);
    this.#remember(counted.instance, false);
  }

  #countedOf(pictures: Recorded['sameExposure']): Recorded['sameExposure'][number] | undefined {
    const remembered = pictures.find(({ instance }) => this.#isCounted.get(instance));
    if (remembered !== undefined) return remembered;
    const decidedAt = ({ record }: { record: InstanceRecord }) => networksDecision(record).when;
    return pictures
      .filter((each) => !this.#isCounted.has(each.instance) && decidedAt(each) < this.#since)
      .sort(
        (a, b) => byPurpose(a.record.exposure, b.record.exposure) || (decidedAt(a) < decidedAt(b) ? -1 : 1),
      )[0];
  }

  #remember(instance: InstanceId, isCounted: boolean): void {
    this.#isCounted.delete(instance);
    this.#isCounted.set(instance, isCounted);
    const [oldest] = this.#isCounted.keys();
    if (this.#isCounted.size > mostRemembered && oldest !== undefined) this.#isCounted.delete(oldest);
  }
}

/** Counts existing records, of each exposure one, in whatever order they come. */
export class Recount {
  readonly #into: DailyCounts;
  readonly #until: string;
  readonly #counted = new Map<string, { record: InstanceRecord; exposure: Exposure }[]>();

  constructor(into: DailyCounts, until: string) {
    this.#into = into;
    this.#until = until;
  }

  count(record: InstanceRecord): void {
    const { exposure } = record;
    // A picture that is decided later is counted then, and looks for the others itself.
    if (exposure === undefined || networksDecision(record).when >= this.#until) {
      countExisting(this.#into, record, this.#until);
      return;
    }
    const found = keysOf(exposure).flatMap((key) => this.#counted.get(key) ?? []);
    const known = found.find((each) => isSameExposure(each.exposure, exposure));
    if (known === undefined) {
      countExisting(this.#into, record, this.#until);
      const counted = { record, exposure };
      for (const key of keysOf(exposure))
        this.#counted.set(key, [...(this.#counted.get(key) ?? []), counted]);
      return;
    }
    if (byPurpose(exposure, known.exposure) >= 0) return;
    countExisting(this.#into, known.record, this.#until, -1);
    countExisting(this.#into, record, this.#until);
    const keys = keysOf(exposure).filter((key) => !keysOf(known.exposure).includes(key));
    Object.assign(known, { record, exposure });
    for (const key of keys) this.#counted.set(key, [...(this.#counted.get(key) ?? []), known]);
  }
}

/** Two pictures of one exposure have one of these in common. */
const keysOf = ({ image, event, source, acquired }: Exposure): string[] => [
  image,
  ...[event, source, acquired].flatMap((each) => each ?? []),
];
