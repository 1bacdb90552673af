import { derivedOnce } from './derived-once.js';
import { metadataNames } from './schema.js';
import type { StudyInPart } from './study-trees.js';

/** Plainview's records that have a `version`, all 1 today. */
const versioned = [metadataNames.record, metadataNames.result, metadataNames.routes, metadataNames.tags];

/** A JSON object in metadata that anybody may have written. @returns undefined where it is none */
function objectIn(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined; // not JSON, so not ours
  }
}

/**
 * Whether another version of Plainview wrote a record of this resource. Its meaning is not known, so nothing of ours is
 * written there: neither a decision nor labels nor anything that follows.
 */
export const hasOtherVersion = derivedOnce(({ Metadata }: { Metadata: Record<string, string> }): boolean =>
  versioned.some((name) => {
    const version = objectIn(Metadata[name])?.version;
    return typeof version === 'number' && version !== 1;
  }),
);

/** Whether that is so of a part of a study: what its instances add up to is not known, so nothing is added up. */
export const hasPartOfOtherVersion = ({ study, series, instances }: StudyInPart): boolean =>
  [study, ...series, ...instances].some(hasOtherVersion);

/** The fields of a record that this version does not know: they are written again with it. */
export const unknownFields = (text: string | undefined, known: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(objectIn(text) ?? {}).filter(([field]) => !Object.hasOwn(known, field)));
