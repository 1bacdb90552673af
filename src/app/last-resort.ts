import type { Config } from '../config/options.js';
import { createError } from '../errors/errors.js';

/** So much longer than the jobs a stop may take, milliseconds: the state is written in it. */
const graceMs = 5000;

/**
 * Ends this process where its stop does not. A file server that does not answer keeps a thread for ever, and Node.js waits
 * for its threads, also in `process.exit`. The processes that classify end with this one.
 */
export function endAtLast({ shutdownSeconds, stateDir }: Pick<Config, 'shutdownSeconds' | 'stateDir'>): void {
  const ms = shutdownSeconds * 1000 + graceMs;
  setTimeout(() => {
    // The log needs a thread.
    console.error(createError('stop_hangs', { seconds: ms / 1000, folder: stateDir }).message);
    process.kill(process.pid, 'SIGKILL');
  }, ms).unref();
}
