import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { debianLaunch } from '../../../src/sandbox/debian.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plainview-path-test-'));
  vi.stubEnv('TMPDIR', folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const loader = join('usr', 'lib', 'x86_64-linux-gnu', 'ld-linux-x86-64.so.2');
const written = z.object({ PythonScript: z.string(), Plugins: z.array(z.string()) });

/** The command and the configuration for an Orthanc and a script in a folder of that name. */
async function launched(name: string) {
  const root = join(folder, name);
  await mkdir(join(root, loader, '..'), { recursive: true });
  await writeFile(join(root, loader), 'loader');
  await writeFile(join(root, 'it.py'), 'script');
  const { command, args, env } = await debianLaunch(root, {
    folder: root,
    port: 1,
    configuration: {},
    luaScripts: [],
    pythonScript: join(root, 'it.py'),
    plugins: ['python'],
    env: {},
  });
  const configuration = written.parse(JSON.parse(await readFile(join(root, 'orthanc.json'), 'utf8')));
  return { root, command, libraries: args[1] ?? '', home: env.PYTHONHOME ?? '', configuration };
}

test.each(['Pläinview', 'a;b:c', 'say "x"', "50% of #1? it's"])(
  "in a folder %s, the loader and Orthanc's Python plugin get paths that they can read",
  async (name) => {
    const { command, libraries, home, configuration } = await launched(name);
    for (const path of [command, home, configuration.PythonScript, ...configuration.Plugins])
      expect(path).toMatch(/^[\w/.-]+$/);
    expect(libraries).toMatch(/^[\w/.-]+:[\w/.-]+$/);
    expect(await readFile(command, 'utf8')).toBe('loader');
    expect(await readFile(join(home, '..', loader), 'utf8')).toBe('loader');
    expect(await readFile(configuration.PythonScript, 'utf8')).toBe('script');
  },
);

test('in other folders the paths are the real ones', async () => {
  const { root, command, configuration } = await launched('a plain-one_2.0');
  expect(command).toBe(join(root, loader));
  expect(configuration.PythonScript).toBe(join(root, 'it.py'));
});
