import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { SandboxOrthanc } from '../src/sandbox/orthanc.js';
import { Listener } from './listener.js';

/** A folder for a site's scripts, and a listener in place of the service. Both are new for each test. */
export function useSite(): { readonly folder: string; readonly listener: Listener } {
  const site = { folder: '', listener: new Listener() };
  beforeEach(async () => {
    site.folder = await mkdtemp(join(tmpdir(), 'plainview-site-'));
    site.listener = await new Listener().listen();
  });
  afterEach(async () => {
    await site.listener.close();
    await rm(site.folder, { recursive: true });
  });
  return site;
}

/** Writes a site's Lua script. Its callback logs its name and the instance, then runs `extraLua`. */
export async function siteScript(folder: string, name: string, extraLua = ''): Promise<string> {
  const file = join(folder, `${name}.lua`);
  const lua = `function OnStoredInstance(instance, tags, metadata, origin)
  print('site ${name} ' .. instance)
  ${extraLua}
end
`;
  await writeFile(file, lua);
  return file;
}

/** Instances that a site's script has logged, in order. Orthanc runs callbacks one after the other. */
export async function instancesSeenBySite(orthanc: SandboxOrthanc, name: string): Promise<string[]> {
  const lines = (await orthanc.log()).matchAll(new RegExp(`site ${name} ([0-9a-f-]+)`, 'g'));
  return [...lines].map(([, instance = '']) => instance);
}
