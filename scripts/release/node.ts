import { chmodSync, copyFileSync, existsSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './run.js';

/** A Node.js that is put into a release. */
export interface Runtime {
  program: string;
  license: string;
  version: string;
}

/**
 * @param folder as unpacked from nodejs.org: with `bin/node` and `LICENSE`. Without one, the Node.js that runs here is taken.
 * @throws where there is none, or no licence, which must go with it
 */
export function runtimeIn(folder: string | undefined): Runtime {
  const program = folder === undefined ? realpathSync(process.execPath) : join(folder, 'bin', 'node');
  if (!existsSync(program))
    throw new Error(`There is no ${program}: --node names a folder that holds bin/node.`);
  const above = dirname(dirname(program));
  const license = [join(above, 'LICENSE'), join(above, 'share', 'doc', 'nodejs', 'LICENSE')].find(existsSync);
  if (license === undefined)
    throw new Error(`The licence of ${program} is not beside it (${above}/LICENSE), and must go with it.`);
  return { program, license, version: run(program, ['--version']).trim().slice(1) };
}

/** Puts it into a folder of a release, where bin/plainview finds it. */
export function addRuntime({ program, license }: Runtime, folder: string): void {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  copyFileSync(program, join(folder, 'bin', 'node'));
  chmodSync(join(folder, 'bin', 'node'), 0o755);
  copyFileSync(license, join(folder, 'bin', 'node.LICENSE'));
}
