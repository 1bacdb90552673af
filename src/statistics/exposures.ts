import { networksDecision } from '../decisions/correction.js';
import type { OtherPicture } from '../decisions/exposure.js';
import type { Recorded } from '../decisions/record-writer.js';
import type { InstanceRecord } from '../decisions/schema.js';
import { byPurpose, type Exposure, isSameExposure } from '../orthanc/exposure.js';
import type { InstanceId } from '../orthanc/ids.js';
import { countExisting, countRecorded, type DailyCounts } from './daily-counts.js';

/** Instances that are remembered. Older ones are judged by the time of their decision. */
const mostRemembered = 1000;
const always = '9999';

/** Counts the decisions of exposures. Of several pictures of one exposure, only one is counted. */
export class ExposureCounter {
  readonly #since: string;
  /** Records that were counted or left out, the latest last. */
  readonly #remembered = new Map<InstanceId, { record: InstanceRecord; isCounted: boolean }>();

  /** @param since decisions before this time (ISO 8601) are counted already, one of each exposure */
  constructor(since: string) {
    this.#since = since;
  }

  /** Counts a recorded decision. A picture for presentation is counted in place of a raw one. */
  count(into: DailyCounts, { instance, record, previous, sameExposure }: Recorded): void {
    const { exposure } = record;
    if (exposure === undefined) {
      countRecorded(into, record, previous);
      return;
    }
    const former = previous === undefined ? [] : [{ instance, record: previous }];
    // Two that were recorded at one time may not have seen each other in Orthanc.
    const others = [...sameExposure, ...this.#countedOthers(instance, exposure)];
    const counted = others.length === 0 ? former[0] : this.#countedOf([...former, ...others]);
    if (counted === undefined || counted.instance === instance) {
      countRecorded(into, record, counted?.record);
      this.#remember(instance, record, true);
      return;
    }
    const isBetter = byPurpose(exposure, counted.record.exposure) < 0;
    this.#remember(instance, record, isBetter);
    if (!isBetter) return;
    countExisting(into, counted.record, always, -1);
    countExisting(into, record, always);
    this.#remember(counted.instance, counted.record, false);
  }

  #countedOthers(id: InstanceId, exposure: Exposure): OtherPicture[] {
    return [...this.#remembered].flatMap(([instance, { record, isCounted }]) => {
      const other = isCounted && instance !== id ? record.exposure : undefined;
      return other !== undefined && isSameExposure(other, exposure) ? [{ instance, record }] : [];
    });
  }

  #countedOf(pictures: readonly OtherPicture[]): OtherPicture | undefined {
    const remembered = pictures.find(({ instance }) => this.#remembered.get(instance)?.isCounted);
    if (remembered !== undefined) return remembered;
    const decidedAt = ({ record }: OtherPicture) => networksDecision(record).when;
    return pictures
      .filter((each) => !this.#remembered.has(each.instance) && decidedAt(each) < this.#since)
      .sort(
        (a, b) => byPurpose(a.record.exposure, b.record.exposure) || (decidedAt(a) < decidedAt(b) ? -1 : 1),
      )[0];
  }

  #remember(instance: InstanceId, record: InstanceRecord, isCounted: boolean): void {
    this.#remembered.delete(instance);
    this.#remembered.set(instance, { record, isCounted });
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > mostRemembered && oldest !== undefined) this.#remembered.delete(oldest);
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
