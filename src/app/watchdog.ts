import type { Logger } from 'pino';
import type { Config } from '../config/options.js';
import { createError } from '../errors/errors.js';
import type { Service } from './service-interface.js';
import { type Notify, notifierOf, watchdogMsOf } from './systemd.js';

/** Calls to Orthanc of one job with all that follows: twice what an ordinary one makes. */
const calls = 24;
const leastSeconds = 600;

/** No job runs longer than this, in seconds, even where Orthanc lets each call time out as often as it is repeated. */
export const longestRunOf = ({
  orthancTimeoutMs,
  orthancRetries,
}: Pick<Config, 'orthancTimeoutMs' | 'orthancRetries'>): number =>
  Math.max(leastSeconds, (calls * (1 + orthancRetries) * orthancTimeoutMs) / 1000);

interface Watched {
  notify: Notify;
  /** Of systemd: see `watchdogMsOf`. */
  withinMs: number;
  /** For how long the oldest job of this process runs, in seconds. */
  longestRun: () => number;
  /** For how long one may. */
  mayRun: number;
  log: Logger;
}

/**
 * Tells systemd regularly that the service works. It does so from the event loop, so it ceases where that no longer turns;
 * and it ceases where a job does not end, because such a job keeps its place in the queue for ever. Then systemd ends the
 * process and starts it again.
 */
export class Watchdog {
  readonly #parts: Watched;
  readonly #timer: NodeJS.Timeout;
  #hangs = false;

  constructor(parts: Watched) {
    this.#parts = parts;
    // A third: one that is late or lost does no harm.
    this.#timer = setInterval(() => this.#look(), parts.withinMs / 3);
    this.#look();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { notify, longestRun, mayRun, log } = this.#parts;
    const seconds = longestRun();
    const hangs = seconds > mayRun;
    if (hangs && !this.#hangs) log.error({ err: createError('job_hangs', { seconds }) });
    this.#hangs = hangs;
    if (!hangs) void notify('WATCHDOG=1');
  }
}

/** Tells systemd, where it listens, that the service is there, and from now on that it works. */
export function tellSystemd(
  env: NodeJS.ProcessEnv,
  { longestRun }: Pick<Service, 'longestRun'>,
  config: Pick<Config, 'orthancTimeoutMs' | 'orthancRetries'>,
  log: Logger,
): { stopping(): void; end(): void } {
  const notify = notifierOf(env, log);
  // It listens, and takes notices while Orthanc starts. Other units need not wait for Orthanc.
  void notify?.('READY=1');
  const withinMs = watchdogMsOf(env);
  const watchdog =
    notify !== undefined && withinMs !== undefined
      ? new Watchdog({ notify, withinMs, longestRun, mayRun: longestRunOf(config), log })
      : undefined;
  // A stop can last longer than the watchdog waits, so it hears of the process until the end.
  return { stopping: () => void notify?.('STOPPING=1'), end: () => watchdog?.stop() };
}
