import { execFileSync } from 'node:child_process';
import { packageRoot } from '../../src/files/places.js';

/** Runs a program, with its messages on standard error. Throws where it fails. @returns its standard output */
export const run = (program: string, args: readonly string[], options: Options = {}): string =>
  execFileSync(program, args, {
    cwd: packageRoot,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  });

interface Options {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}
