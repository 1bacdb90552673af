import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { OrthancForTests } from '../orthanc.js';
import { freshState, Reader } from '../service.js';

const levels = ['instances', 'series', 'studies'] as const;
type Level = (typeof levels)[number];

/** Plainview's metadata and all labels of a resource of Orthanc. */
export interface FormerResource {
  level: Level;
  id: string;
  metadata: Record<string, string>;
  labels: string[];
}

/** What a former version of Plainview left: `record.ts` writes it. */
export interface Former {
  /** The checkout that wrote it. */
  commit: string;
  /** DICOM files (gzip, base64) in the order in which they were stored, by what became of the instance. */
  files: Record<string, string>;
  /** Orthanc's identifiers, by what became of the instance. */
  ids: Record<string, string>;
  resources: FormerResource[];
  /** The state folder: path → content. */
  state: Record<string, string>;
}

export const formerVersions = ['2026-11-24', '2026-11-29', '2026-11-30'] as const;

export const readFormer = (name: (typeof formerVersions)[number]): Former =>
  JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8')) as Former;

/**
 * Stores in an Orthanc what a former version left there, and its state.
 * @returns the state folder
 */
export async function restoreFormer(
  former: Former,
  { orthanc, storeInstance }: OrthancForTests,
): Promise<string> {
  const store = (what: string) => storeInstance(gunzipSync(Buffer.from(former.files[what] ?? '', 'base64')));
  const reader = new Reader(orthanc.url);
  const put = async (isRequest: boolean) => {
    for (const { level, id, metadata } of former.resources)
      for (const [name, value] of Object.entries(metadata))
        if ((name === 'RadiographReclassify') === isRequest) await reader.put(`${level}/${id}`, name, value);
  };
  for (const what of Object.keys(former.ids)) if (what !== 'late') await store(what);
  for (const { level, id, labels } of former.resources)
    for (const label of labels) await reader.label(`${level}/${id}`, label);
  await put(false);
  // Up to here, that version has read the change log. It is another log here, so its bookmark is left out.
  const stateDir = await freshState(orthanc.url);
  await put(true);
  await store('late');
  for (const [path, content] of Object.entries(former.state)) {
    if (path === 'changes.json') continue;
    await mkdir(dirname(join(stateDir, path)), { recursive: true });
    await writeFile(join(stateDir, path), content);
  }
  return stateDir;
}

/** Deletes in that Orthanc what it left. */
export async function forgetFormer(former: Former, { orthanc }: OrthancForTests): Promise<void> {
  for (const { level, id } of former.resources)
    if (level === 'studies') await fetch(`${orthanc.url}/studies/${id}`, { method: 'DELETE' });
}
