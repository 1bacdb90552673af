import { SingleBar } from 'cli-progress';

export interface Progress {
  advance(by?: number): void;
  /** Clears the bar's line. Call it before other output on the same terminal. */
  hide(): void;
  stop(): void;
}

const none: Progress = { advance: () => {}, hide: () => {}, stop: () => {} };

/**
 * A progress bar on standard error, if that is a terminal.
 * @param total undefined if it is not known in advance
 */
export function progressBar(total: number | undefined, what: string, done = 0): Progress {
  if (!process.stderr.isTTY) return none;
  const format = total === undefined ? `{value} ${what}` : `{bar} {value}/{total} ${what} · {eta_formatted}`;
  const bar = new SingleBar({ format, stream: process.stderr, clearOnComplete: true, hideCursor: true });
  bar.start(total ?? 0, done);
  return {
    advance: (by = 1) => bar.increment(by),
    hide: () => {
      if (process.stdout.isTTY) process.stderr.write('\r\x1b[K');
    },
    stop: () => bar.stop(),
  };
}
