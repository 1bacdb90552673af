// Deletes from node_modules what does not run here: binaries for other systems, bundles for browsers, types, source maps, and
// compilers. For the image and the release; after `npm ci` or `npm prune`.
//   node scripts/trim-modules.mjs <folder with node_modules>
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const [folder] = process.argv.slice(2);
const modules = join(folder, 'node_modules');

for (const compiler of [
  'typescript',
  '@typescript',
  '.bin/tsc',
  // They would compile @julusian/jpeg-turbo on a system for which it carries no binary.
  'cmake-js',
  '.bin/cmake-js',
  'node-addon-api',
  'node-api-headers',
])
  rmSync(join(modules, compiler), { recursive: true, force: true });

const runtimes = join(modules, 'onnxruntime-node', 'bin');
if (existsSync(runtimes))
  for (const api of readdirSync(runtimes))
    for (const platform of readdirSync(join(runtimes, api)))
      for (const arch of readdirSync(join(runtimes, api, platform)))
        if (platform !== process.platform || arch !== process.arch)
          rmSync(join(runtimes, api, platform, arch), { recursive: true });

const turbo = join(modules, '@julusian', 'jpeg-turbo', 'prebuilds');
if (existsSync(turbo))
  for (const system of readdirSync(turbo))
    if (!system.startsWith(`jpeg-turbo-${process.platform}-${process.arch}`))
      rmSync(join(turbo, system), { recursive: true });

for (const file of readdirSync(modules, { recursive: true }))
  if (isUseless(file)) rmSync(join(modules, file), { recursive: true, force: true });

function isUseless(file) {
  const name = file.split('/').at(-1);
  // The file for Node.js is tf-….node.js.
  const isForBrowsers =
    file.startsWith('@tensorflow/') && /^tf-.*\.js$/.test(name) && !name.endsWith('.node.js');
  return isForBrowsers || /\.(map|d\.[cm]?ts)$/.test(name);
}
