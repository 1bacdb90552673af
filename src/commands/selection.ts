import type { Command } from 'commander';
import { Categories } from '../anatomy/categories.js';
import { readClasses } from '../classify/network.js';
import type { Config } from '../config/options.js';
import { type Selection, selection } from '../contract/selection.js';
import { createError } from '../errors/errors.js';
import { filesInUse } from '../networks/choice.js';
import { anyId, uid } from '../orthanc/ids.js';
import { matchesWildcards } from '../orthanc/wildcards.js';
import { refuseTwice } from './arguments.js';

export interface SelectionOptions {
  label?: string;
  query?: string[];
  from?: string;
  to?: string;
  network?: string;
  all?: true;
}

/** Adds the arguments and options that select instances to a command. */
export const withSelection = (command: Command): Command =>
  refuseTwice(
    command
      .argument('[id...]', "Orthanc's identifiers or DICOM UIDs of instances, series, studies or patients")
      .option('--label <label>', 'only instances with this label')
      .option(
        '--query <Tag=value...>',
        "only these DICOM attributes, with the wildcards of Orthanc's find (StationName=ROOM*)",
      )
      .option('--from <date>', 'only Study Dates from this day on (2026-01-31)')
      .option('--to <date>', 'only Study Dates up to this day')
      .option('--network <name>', 'only decisions by this network: its name, or the beginning of its SHA-256')
      .option('--all', 'every radiograph'),
  );

/** The selection that these arguments and options make. @throws usage */
export const selectionOf = (
  given: readonly string[],
  { label, query, from, to, network, all }: SelectionOptions,
  more: { [K in keyof Selection]?: unknown } = {},
): Selection =>
  parseSelection(
    { ...identifiers(given), label, query: queryOf(query), from, to, network, all, ...more },
    'name instances, give a condition, or --all',
  );

/**
 * The selection that a command's options make.
 * @param ways how the command can select, for the message where nothing is selected
 * @throws usage
 */
export function parseSelection(
  given: { [K in keyof Selection]?: unknown },
  ways = 'give a condition, or --all',
): Selection {
  const parsed = selection.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const problem = issue?.path.length === 0 ? ways : `${issue?.path.join(' ')}: ${issue?.message}`;
  throw createError('usage', { problem });
}

/**
 * The categories that these patterns match; undefined, for any, where none is given. Refuses a mistyped one, which would
 * find nothing. Those with codes are always accepted, because another network or a person may have decided the instances.
 * @throws usage, config_invalid, network_unreadable
 */
export async function categoriesLike(
  patterns: readonly string[] | undefined,
  config: Config,
): Promise<(string | undefined)[]> {
  if (patterns === undefined) return [undefined];
  const coded = Categories.read(config.viewsFile);
  const hasCodes = patterns.every((pattern) => coded.names.includes(pattern));
  const known = hasCodes ? coded.names : coded.known(await readClasses(await filesInUse(config)));
  const matched = patterns.map((pattern) => known.filter((name) => matchesWildcards(pattern, name)));
  const unknown = patterns.find((_, index) => matched[index]?.length === 0);
  if (unknown !== undefined)
    throw createError('usage', {
      problem: `there is no category ${unknown}; there are ${[...known].sort().join(', ')}`,
    });
  return [...new Set(matched.flat())].sort();
}

/** Separates Orthanc's identifiers from DICOM UIDs by their form. @throws usage */
function identifiers(given: readonly string[]): { ids?: string[]; uids?: string[] } {
  const invalid = given.find((id) => !anyId.safeParse(id).success && !uid.safeParse(id).success);
  if (invalid !== undefined)
    throw createError('usage', {
      problem: `${invalid} is neither an identifier of Orthanc nor a DICOM UID`,
    });
  const ids = given.filter((id) => anyId.safeParse(id).success);
  const uids = given.filter((id) => !anyId.safeParse(id).success);
  return { ...(ids.length > 0 ? { ids } : {}), ...(uids.length > 0 ? { uids } : {}) };
}

/** @param given texts such as `StationName=ROOM*` @throws usage */
export const queryOf = (given: readonly string[] | undefined): Record<string, string> | undefined =>
  given === undefined ? undefined : Object.fromEntries(given.map(keyAndValue));

function keyAndValue(text: string): [string, string] {
  const separator = text.indexOf('=');
  if (separator < 1) throw createError('usage', { problem: `${text} is not Tag=value` });
  return [text.slice(0, separator), text.slice(separator + 1)];
}
