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

/** Orthanc takes anything else in a query for a list or a pattern. */
export const plainUid = /^[\d.]+$/;

type Id = InstanceId | SeriesId | StudyId | GroupId;

/** DICOM's UIDs of what was read lately, by Orthanc's identifiers. These are hashes of them, so they never change. */
export class KnownUids {
  readonly #uids = new LRUCache<Id, string>({ max: mostRemembered });

  /** Leaves out what is no UID: it cannot be asked for. */
  remember(id: Id, uid: string): void {
    if (plainUid.test(uid)) this.#uids.set(id, uid);
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
