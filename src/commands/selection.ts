import { fail } from '../errors.js';
import { type Selection, selection } from '../intake/requests/selection.js';
import { anyId } from '../orthanc/ids.js';

/**
 * What the options of a command select.
 * @throws usage
 */
export function parseSelection(given: { [K in keyof Selection]?: unknown }): Selection {
  const parsed = selection.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const problem =
    issue?.path.length === 0
      ? 'name instances, give a condition, or --all'
      : `${issue?.path.join(' ')}: ${issue?.message}`;
  throw fail('usage', { problem });
}

/** What the arguments name: Orthanc's identifiers are told from DICOM UIDs by their form. */
export function named(given: readonly string[]): { ids?: string[]; uids?: string[] } {
  const ids = given.filter((id) => anyId.safeParse(id).success);
  const uids = given.filter((id) => !anyId.safeParse(id).success);
  return { ...(ids.length > 0 ? { ids } : {}), ...(uids.length > 0 ? { uids } : {}) };
}

/** @param given `StationName=ROOM*` @throws usage */
export const queryOf = (given: readonly string[] | undefined): Record<string, string> | undefined =>
  given === undefined ? undefined : Object.fromEntries(given.map(keyAndValue));

function keyAndValue(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw fail('usage', { problem: `${text} is not Tag=value` });
  return [text.slice(0, at), text.slice(at + 1)];
}
