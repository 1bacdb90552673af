import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { siteFragment } from './places.js';

const section = z.record(z.string(), z.unknown());
type Section = z.infer<typeof section>;

const sandboxSection: Section = {
  Name: 'Plainview sandbox',
  // A DICOM port could be in use already. A caller that needs DICOM switches it on.
  DicomServerEnabled: false,
  AuthenticationEnabled: false,
  Locale: 'C.UTF-8',
};

/**
 * The sandbox's configuration. Later sections override earlier ones: what every site adds for Plainview, what a sandbox
 * needs, what the caller gives. Scripts, plugins, storage and port depend on how Orthanc is run. They are added later.
 */
export async function sandboxConfiguration(over: Section = {}): Promise<Section> {
  const { LuaScripts: _, ...fragment } = section.parse(JSON.parse(await readFile(siteFragment, 'utf8')));
  const merged = merge(merge(fragment, sandboxSection), over);
  return 'RegisteredUsers' in over ? { ...merged, AuthenticationEnabled: true } : merged;
}

function merge(under: Section, over: Section): Section {
  const merged = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const both = [under[key], value].map((side) =>
      Array.isArray(side) ? undefined : section.safeParse(side).data,
    );
    merged[key] = both[0] && both[1] ? merge(both[0], both[1]) : value;
  }
  return merged;
}
