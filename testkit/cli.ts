import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { shipped } from '../src/files/places.js';

export interface Run {
  child: ChildProcess;
  /** Standard output and error so far. */
  out: () => string;
  /** Exit status. */
  ended: Promise<number | null>;
}

/** The command as people run it: `dist/`, which `npm test` has just built, with nothing of this environment. */
export function plainview(args: string[], env: Record<string, string>): Run {
  const child = spawn(process.execPath, [shipped('dist', 'cli.js'), ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => {
      text += String(chunk);
    });
  return { child, out: () => text, ended: once(child, 'exit').then(([status]) => status as number | null) };
}
