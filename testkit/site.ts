import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SandboxOrthanc } from '../src/sandbox/orthanc.js';

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
export async function seenBySite(orthanc: SandboxOrthanc, name: string): Promise<string[]> {
  const lines = (await orthanc.log()).matchAll(new RegExp(`site ${name} ([0-9a-f-]+)`, 'g'));
  return [...lines].map(([, instance = '']) => instance);
}
