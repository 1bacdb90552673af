import { type Logger, pino } from 'pino';
import sonicBoom from 'sonic-boom';
import { sleep } from '../async/sleep.js';
import type { Config } from '../config/options.js';

/** Bytes of log lines that wait until standard output takes them. Lines beyond that are dropped. */
const maxWaiting = 1024 * 1024;
/** Interval between two attempts to write what standard output did not take, milliseconds. */
const retryMs = 1000;

export interface ServiceLog {
  log: Logger;
  /** The number of lines that were dropped since the start. */
  dropped(): number;
  /** Writes what waits, for at most so many milliseconds. Later lines are not written. */
  close(ms: number): Promise<void>;
}

/**
 * The log of the service: JSON lines on standard output. Nothing waits for standard output, so a full disk or a reader that
 * no longer reads does not stop the service.
 */
export function openServiceLog(level: string, levelForm: Config['logLevelForm'] = 'number'): ServiceLog {
  // Sets a pipe or socket to non-blocking. Without this, one write can hold a thread until the reader reads.
  void process.stdout;
  let isClosed = false;
  let dropped = 0;
  let untold = 0;
  let problem: string | undefined;
  const output = new sonicBoom.SonicBoom({
    fd: 1,
    sync: false,
    maxLength: maxWaiting,
    // Above 0, or sonic-boom does not write periodically what an error left.
    minLength: 1,
    periodicFlush: retryMs,
    retryEAGAIN: () => !isClosed,
  });
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      ...(levelForm === 'word' ? { formatters: { level: (word: string) => ({ level: word }) } } : {}),
    },
    output,
  );
  output.on('drop', () => {
    dropped++;
    untold++;
  });
  // What was not written is kept and tried again.
  output.on('error', (error: Error) => {
    problem = error.message;
  });
  output.on('drain', () => {
    if (untold > 0)
      log.warn({ dropped: untold, problem }, 'standard output did not take these log lines: they are lost');
    untold = 0;
    problem = undefined;
  });
  return {
    log,
    dropped: () => dropped,
    close: async (ms) => {
      const ended = new AbortController();
      output.flush(() => ended.abort());
      await sleep(ms, ended.signal);
      isClosed = true;
      output.destroy();
    },
  };
}
