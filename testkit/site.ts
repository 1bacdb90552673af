import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { SandboxOrthanc } from '../src/sandbox/orthanc.js';
import { Listener } from './listener.js';

/** A folder for a site's scripts and a listener in place of the service, anew for each test of the file. */
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

/** A site's own Lua script whose callback leaves its name and the instance in Orthanc's log, then does what is given. */
export async function siteScript(folder: string, name: string, then = ''): Promise<string> {
  const file = join(folder, `${name}.lua`);
  const lua = `function OnStoredInstance(instance, tags, metadata, origin)
  print('site ${name} ' .. instance)
  ${then}
end
`;
  await writeFile(file, lua);
  return file;
}

/** The instances that a site's script saw, in order. As Orthanc calls back one by one, it also tells how far it is. */
export async function instancesSeenBySite(orthanc: SandboxOrthanc, name: string): Promise<string[]> {
  const lines = (await orthanc.log()).matchAll(new RegExp(`site ${name} ([0-9a-f-]+)`, 'g'));
  return [...lines].map(([, instance = '']) => instance);
}
