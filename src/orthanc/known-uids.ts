import { LRUCache } from 'lru-cache';
import type { GroupId, InstanceId, SeriesId, StudyId } from './ids.js';

/** DICOM's UIDs of an instance and its parents. */
export interface Uids {
  instance: string;
  series: string;
  study: string;
}

/** Identifiers remembered: of thousands of instances with their parents, in some megabytes. */
const mostRemembered = 10_000;

/** DICOM's UIDs of an instance and its parents. */
export interface Uids {
  instance: string;
  series: string;
  study: string;
}

type Id = InstanceId | SeriesId | StudyId | GroupId;

/** DICOM's UIDs of what was described lately, by Orthanc's identifiers. These are hashes of them, so they never change. */
export class KnownUids {
  readonly #uids = new LRUCache<Id, string>({ max: mostRemembered });

  remember(ids: { instance: InstanceId; series: SeriesId; study: StudyId }, uids: Uids): void {
    for (const level of ['instance', 'series', 'study'] as const) this.#uids.set(ids[level], uids[level]);
  }

  of(id: Id): string | undefined {
    return this.#uids.get(id);
  }

  /** @returns undefined where one of them is not known */
  ofAll(ids: readonly Id[]): string[] | undefined {
    const known = ids.flatMap((id) => this.of(id) ?? []);
    return known.length === ids.length ? known : undefined;
  }
}
