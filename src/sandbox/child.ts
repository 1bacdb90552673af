import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Launch } from './launch.js';

/** Starts a program that does not outlive this process. Its output goes to the end of a file. */
export async function startChild(
  launch: Pick<Launch, 'command' | 'args' | 'env' | 'signalOnOrphan'>,
  logFile: string,
): Promise<ChildProcess> {
  const log = await open(logFile, 'a');
  // On Linux, setpriv has the kernel end the child when this process dies, even by SIGKILL.
  const withParent =
    process.platform === 'linux' && existsSync('/usr/bin/setpriv')
      ? ['/usr/bin/setpriv', '--pdeathsig', launch.signalOnOrphan.replace('SIG', ''), launch.command]
      : [launch.command];
  const [command = launch.command, ...args] = [...withParent, ...launch.args];
  try {
    const child = spawn(command, args, {
      env: launch.env,
      stdio: ['ignore', log.fd, log.fd],
      // A process group of its own, so that Ctrl-C does not reach it: this process stops its children in order.
      detached: true,
    });
    child.unref();
    await once(child, 'spawn');
    return child;
  } finally {
    await log.close();
  }
}

export const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null;
