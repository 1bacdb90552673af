import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import { createError } from '../errors/errors.js';

/** What systemd is told of this process: see sd_notify(3). */
export type Notify = (...assignments: readonly string[]) => Promise<void>;

/**
 * Node.js cannot send datagrams to a Unix socket, so systemd's own program does it, in a process of its own. The unit
 * therefore needs `NotifyAccess=all`.
 * @returns undefined where systemd does not listen
 */
export function notifierOf(env: NodeJS.ProcessEnv, log: Logger): Notify | undefined {
  if (!env.NOTIFY_SOCKET) return undefined;
  return async (...assignments) => {
    try {
      await promisify(execFile)('systemd-notify', assignments, { timeout: 10_000 });
    } catch (error) {
      log.error({ err: createError('systemd_unreachable', { why: (error as Error).message }, error) });
    }
  };
}

/** Within how many milliseconds systemd waits for the next sign of life. @returns undefined where it does not wait for this process */
export function watchdogMsOf(env: NodeJS.ProcessEnv): number | undefined {
  const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = env;
  if (!microseconds || (pid && Number(pid) !== process.pid)) return undefined;
  return Number(microseconds) / 1000;
}
