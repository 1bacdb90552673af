import { codedCategories } from '../categories.js';
import { otherClass } from '../classify/decide.js';
import { readClasses } from '../classify/network.js';
import { networkFiles } from '../config/network.js';
import type { Config } from '../config/options.js';
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

/**
 * A mistyped category would only find nothing. The 30 that have codes are known whatever network is in use, for what
 * another one has decided.
 * @throws usage, network_unreadable
 */
export async function requireCategory(category: string | undefined, config: Config): Promise<void> {
  if (category === undefined || codedCategories.includes(category)) return;
  const classes = (await readClasses(networkFiles(config))).filter((name) => name !== otherClass);
  if (classes.includes(category)) return;
  const known = [...new Set([...classes, ...codedCategories])].sort().join(', ');
  throw fail('usage', { problem: `there is no category ${category}; there are ${known}` });
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
