import type { Command } from 'commander';
import { codedCategories, knownCategories } from '../anatomy/categories.js';
import { networkFiles } from '../app/classifier-options.js';
import { readClasses } from '../classify/network.js';
import type { Config } from '../config/options.js';
import { type Selection, selection } from '../contract/selection.js';
import { createError } from '../errors/errors.js';
import { anyId, uid } from '../orthanc/ids.js';

export interface SelectionOptions {
  label?: string;
  query?: string[];
  from?: string;
  to?: string;
  network?: string;
  all?: true;
}

/** Gives a command the arguments and options by which it is told what to work on. */
export const withSelection = (command: Command): Command =>
  command
    .argument('[id...]', "Orthanc's identifiers or DICOM UIDs, of instances, series, studies or patients")
    .option('--label <label>', 'all that carry this label')
    .option('--query <Tag=value...>', "DICOM attributes, as in Orthanc's find (StationName=ROOM*)")
    .option('--from <date>', 'Study Date from this day on (2026-01-31)')
    .option('--to <date>', 'Study Date up to this day')
    .option('--network <name>', 'decided by this network: its name, or the beginning of its SHA-256')
    .option('--all', 'every radiograph');

/** What those arguments and options select. @throws usage */
export const selectionOf = (
  given: readonly string[],
  { label, query, from, to, network, all }: SelectionOptions,
  more: { [K in keyof Selection]?: unknown } = {},
): Selection =>
  parseSelection({ ...named(given), label, query: queryOf(query), from, to, network, all, ...more });

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
  throw createError('usage', { problem });
}

/**
 * A mistyped category would only find nothing. The 30 that have codes are known whatever network is in use, for what
 * another one has decided.
 * @throws usage, network_unreadable
 */
export async function requireCategory(category: string | undefined, config: Config): Promise<void> {
  if (category === undefined || codedCategories.includes(category)) return;
  const known = knownCategories(await readClasses(networkFiles(config)));
  if (!known.includes(category))
    throw createError('usage', {
      problem: `there is no category ${category}; there are ${known.sort().join(', ')}`,
    });
}

/** What the arguments name: Orthanc's identifiers are told from DICOM UIDs by their form. @throws usage */
function named(given: readonly string[]): { ids?: string[]; uids?: string[] } {
  const neither = given.find((id) => !anyId.safeParse(id).success && !uid.safeParse(id).success);
  if (neither !== undefined)
    throw createError('usage', {
      problem: `${neither} is neither one of Orthanc's identifiers nor a DICOM UID`,
    });
  const ids = given.filter((id) => anyId.safeParse(id).success);
  const uids = given.filter((id) => !anyId.safeParse(id).success);
  return { ...(ids.length > 0 ? { ids } : {}), ...(uids.length > 0 ? { uids } : {}) };
}

/** @param given `StationName=ROOM*` @throws usage */
export const queryOf = (given: readonly string[] | undefined): Record<string, string> | undefined =>
  given === undefined ? undefined : Object.fromEntries(given.map(keyAndValue));

function keyAndValue(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw createError('usage', { problem: `${text} is not Tag=value` });
  return [text.slice(0, at), text.slice(at + 1)];
}
