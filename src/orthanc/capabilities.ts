import semver from 'semver';
import type { Config } from '../config/options.js';
import { createError } from '../errors/errors.js';
import type { System } from './resources.js';

/** The user metadata that `orthanc/plainview.json` declares: name → number. */
export const declaredMetadata = {
  RadiographCategory: 5100,
  Radiograph: 5101,
  RadiographReclassify: 5102,
  RadiographResult: 5103,
  RadiographRoutes: 5104,
  RadiographTags: 5105,
} as const;

const leastVersion = '1.12.0';
/** Orthanc's lock order is mended, and its cache of parsed files goes by file. */
const newCacheVersion = '1.13.0';

/**
 * Checks that this Orthanc can store what Plainview writes.
 * @throws orthanc_not_ready, with a remedy for everything that is missing
 */
export function requireCapabilities(system: System, { tags }: Pick<Config, 'tags'> = { tags: 'off' }): void {
  const missing: string[] = [];
  if (!isAtLeast(system.Version))
    missing.push(
      `It is version ${system.Version}, but labels need ${leastVersion} or newer: upgrade Orthanc.`,
    );
  else if (!system.HasLabels)
    missing.push('Its database plugin knows no labels: upgrade that plugin, or remove it to use SQLite.');
  if (system.ReadOnly) missing.push('It is read-only: set "ReadOnly": false in its configuration.');
  if (tags !== 'off' && !system.OverwriteInstances)
    missing.push(
      'PLAINVIEW_TAGS needs an Orthanc that replaces stored files: set "OverwriteInstances": true in its configuration and restart it, or PLAINVIEW_TAGS=off (docs/dicom-tags.md).',
    );
  const undeclared = Object.entries(declaredMetadata).filter(
    ([name]) => system.UserMetadata[name] === undefined,
  );
  if (undeclared.length > 0) {
    const lines = undeclared.map(([name, number]) => `"${name}": ${number}`).join(', ');
    missing.push(
      `Its configuration does not declare Plainview's metadata: add "UserMetadata": { ${lines} } and restart it.`,
    );
  }
  if (missing.length > 0) throw createError('orthanc_not_ready', { missing });
}

export interface Warning {
  code: 'orthanc_can_freeze' | 'gdcm_unrestricted';
  message: string;
}

/**
 * What can freeze or end this Orthanc, and what to do.
 * @param plugins undefined where Orthanc does not tell them
 */
export function warningsOf(
  system: System,
  plugins: readonly string[] | undefined,
  config: Pick<Config, 'tags' | 'report'>,
): Warning[] {
  const { Version } = system;
  return [
    ...(mayFreeze(system, config)
      ? [
          {
            code: 'orthanc_can_freeze' as const,
            message: `Orthanc ${Version} with SQLite can freeze when a file is replaced or deleted while a picture is rendered, and PLAINVIEW_TAGS and PLAINVIEW_REPORT replace files. Plainview never does both at a time, but viewers do. Upgrade Orthanc to ${newCacheVersion} or newer.`,
          },
        ]
      : []),
    ...(plugins === undefined || plugins.includes('gdcm')
      ? [
          {
            code: 'gdcm_unrestricted' as const,
            message: `${plugins === undefined ? 'If Orthanc has the plugin GDCM,' : 'Orthanc has the plugin GDCM:'} damaged pictures can end it, whoever views them, unless the plugin is restricted to JPEG 2000. Orthanc does not tell Plainview that setting. Make sure that its configuration has "Gdcm": { "RestrictTransferSyntaxes": ["1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"] } (orthanc/README.md#gdcm).`,
          },
        ]
      : []),
  ];
}

/**
 * Whether an entry of the change log can become visible after one with a higher number. SQLite has one writer at a time. A
 * plugin's database can have several, and its isolation level is not known.
 */
export const changesCanBeLate = (system: System): boolean => !isSqlite(system);

/**
 * Whether this Orthanc reads a file again that was replaced or deleted at another one on its database. Before 1.13.0 it
 * keeps the parsed file by instance, and renders and modifies what is no longer stored.
 */
export const rereadsReplaced = ({ Version }: System): boolean => isAtLeast(Version, newCacheVersion);

/** See `ByUid`. Orthanc 1.12.7 reads all resources of a level for a UID, too. */
export const isFastByUid = (system: System): boolean =>
  isSqlite(system) && isAtLeast(system.Version, '1.13.0');

export const tagsNeedNewer = (version: string): string =>
  `It is version ${version}, and with several Orthancs PLAINVIEW_TAGS needs ${newCacheVersion} or newer: before that, one can edit a file as it was before another one replaced it. Upgrade Orthanc, or set PLAINVIEW_TAGS=off (docs/scaling.md).`;

export const isSqlite = ({ DatabaseBackendPlugin: plugin }: System): boolean =>
  (plugin ?? undefined) === undefined;

/**
 * Whether deleting or replacing a file can freeze this Orthanc while another program has a picture rendered. Plainview
 * itself does not do both at a time.
 */
export function mayFreeze(system: System, { tags, report }: Pick<Config, 'tags' | 'report'>): boolean {
  const mayReplace = tags !== 'off' || report !== 'off';
  return mayReplace && isSqlite(system) && !isAtLeast(system.Version, newCacheVersion);
}

/** Development builds have the version "mainline-…" and count as newer than any release. */
function isAtLeast(version: string, least = leastVersion): boolean {
  return version.startsWith('mainline') || semver.gte(semver.coerce(version) ?? '0.0.0', least);
}
