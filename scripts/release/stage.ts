import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { shipped } from '../../src/files/places.js';
import { run } from './run.js';

/** What runs, and what a user needs. Of these, the files that git knows. */
const parts = [
  'model',
  'orthanc',
  'lua',
  'orders',
  'deploy',
  'docs',
  'samples',
  'scripts/cuda-files.sha256',
  'scripts/fetch-cuda.sh',
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'LICENSE',
];
/** Needs libtensorflow, a gigabyte, which its install script downloads. With a GPU, the engine `cuda` does its work. */
const leftOut = '@tensorflow/tfjs-node-gpu';

/** Fills an empty folder with a Plainview that runs on this kind of machine and has no Node.js. */
export function stage(folder: string): void {
  for (const file of run('git', ['ls-files', '-z', ...parts])
    .split('\0')
    .filter(Boolean)) {
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    cpSync(shipped(file), join(folder, file));
  }
  cpSync(shipped('dist'), join(folder, 'dist'), {
    recursive: true,
    filter: (path) => !path.endsWith('.map'),
  });
  mkdirSync(join(folder, 'bin'));
  cpSync(shipped('deploy', 'bin', 'plainview'), join(folder, 'bin', 'plainview'));
  installModules(folder);
}

function installModules(folder: string): void {
  for (const file of ['package.json', 'package-lock.json', '.npmrc'])
    cpSync(shipped(file), join(folder, file));
  const npm = (...args: string[]) =>
    run('npm', [...args, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder });
  npm('ci', '--omit=dev');
  // `npm sbom` misses what package.json names and is not installed.
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
  const { devDependencies: _, scripts: __, allowScripts: ___, ...needed } = manifest;
  writeFileSync(
    join(folder, 'package.json'),
    `${JSON.stringify({ ...needed, bin: { plainview: 'dist/cli.js' } }, null, 2)}\n`,
  );
  npm('uninstall', leftOut, '--omit=dev');
  run(process.execPath, [shipped('scripts', 'trim-modules.mjs'), folder]);
}
