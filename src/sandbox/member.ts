import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { createError, terminalMessage } from '../errors/errors.js';
import { shipped } from '../files/places.js';
import { hasEnded, startChild } from './child.js';
import { lastLines } from './command.js';

/** As systemd's `RestartSec`. */
const restartDelayMs = 2_000;

/** A process that stands by says nothing of `leads`, and is not ready. */
const readiness = z.object({ leads: z.boolean().optional() });

/** One of several `plainview serve` of an archive. */
export interface Member {
  readonly name: string;
  readonly url: string;
  /** Of the current process. */
  readonly pid: number;
  leads(): Promise<boolean>;
  stop(): Promise<void>;
}

/**
 * Runs `plainview serve`, and starts it again whenever it ends, as a supervisor does.
 * @param options.onEvent is called with a line of text when it ends and when it runs again
 * @returns when it answers
 * @throws sandbox_not_started
 */
export async function startMember(options: {
  name: string;
  url: string;
  env: NodeJS.ProcessEnv;
  logFile: string;
  onEvent: (line: string) => void;
}): Promise<Member> {
  const { name, url, env, logFile, onEvent } = options;
  const run = () =>
    startChild(
      {
        command: process.execPath,
        args: [shipped('dist', 'cli.js'), 'serve'],
        env,
        signalOnOrphan: 'SIGKILL',
      },
      logFile,
    );
  const ask = (path: string) =>
    fetch(`${url}${path}`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
  /** @returns false where the process ended first */
  const answers = async (): Promise<boolean> => {
    while (!hasEnded(child)) {
      const answer = await ask('/health/live');
      await answer?.arrayBuffer();
      if (answer?.ok) return true;
      await delay(100);
    }
    return false;
  };

  let child = await run();
  if (!(await answers())) {
    const why = lastLines(await readFile(logFile, 'utf8'), 1);
    throw createError('sandbox_not_started', { program: name, why, log: logFile });
  }
  const stopping = new AbortController();
  const supervise = async () => {
    for (;;) {
      await ended(child);
      if (stopping.signal.aborted) return;
      onEvent(
        `${name} ended (process ${child.pid}, ${child.signalCode ?? `status ${child.exitCode}`}). It is started again.`,
      );
      await delay(restartDelayMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      child = await run();
      if (await answers()) onEvent(`${name} runs again: process ${child.pid}.`);
    }
  };
  const supervised = supervise().catch((error) => onEvent(terminalMessage(error)));
  return {
    name,
    url,
    get pid() {
      return child.pid ?? -1;
    },
    leads: async () => {
      const answer = await ask('/health/ready');
      // It can end in the middle of its answer.
      const { data } = readiness.safeParse(await answer?.json().catch(() => undefined));
      return data?.leads ?? (data !== undefined && answer?.ok === true);
    },
    stop: async () => {
      stopping.abort();
      child.kill('SIGTERM');
      // Somebody may have stopped it with SIGSTOP.
      child.kill('SIGCONT');
      await supervised;
    },
  };
}

const ended = async (child: ChildProcess): Promise<void> => {
  if (!hasEnded(child)) await once(child, 'exit');
};
