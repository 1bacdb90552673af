import { spawn } from 'node:child_process';
import { shipped } from '../../../src/files/places.js';

const cli = shipped('dist', 'cli.js');

export interface Run {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the built command line. */
export function plainview(
  args: string[],
  { stdin = '', readOnce = false, cwd = process.cwd() } = {},
): Promise<Run> {
  const child = spawn(process.execPath, [cli, ...args], { cwd });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
    // As `| head` does: the pipe is gone after the first read.
    if (readOnce) child.stdout.destroy();
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}
