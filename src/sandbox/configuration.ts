import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { SandboxPlugin } from './launch.js';
import { gdcmFragment, siteFragment } from './places.js';

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
export async function sandboxConfiguration(
  over: Section = {},
  plugins: readonly SandboxPlugin[] = [],
): Promise<Section> {
  const { LuaScripts: _, ...fragment } = await readSection(siteFragment);
  const gdcm = plugins.includes('gdcm') ? await readSection(gdcmFragment) : {};
  const merged = merge(merge({ ...fragment, ...gdcm }, sandboxSection), over);
  return 'RegisteredUsers' in over ? { ...merged, AuthenticationEnabled: true } : merged;
}

const readSection = async (file: string): Promise<Section> =>
  section.parse(JSON.parse(await readFile(file, 'utf8')));

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
