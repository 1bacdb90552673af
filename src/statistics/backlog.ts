import type { Logger } from 'pino';
import { sleep } from '../async/sleep.js';
import { levelOf, openStates } from '../contract/states.js';
import { asPlainviewError } from '../errors/errors.js';
import type { Orthanc } from '../orthanc/orthanc.js';

export type BacklogCounts = Partial<Record<(typeof openStates)[number], number>>;

/** What waits for people, by label. An Orthanc that cannot count (before 1.12.5) gives nothing. @throws orthanc_… */
export async function countBacklog(
  { search }: Pick<Orthanc, 'search'>,
  labelPrefix: string,
): Promise<BacklogCounts> {
  const counted = await Promise.all(
    openStates.map(async (state) => {
      const count = await search.countLabelled(labelPrefix + state, levelOf(state));
      return [state, count] as const;
    }),
  );
  return Object.fromEntries(counted.filter(([, count]) => count !== undefined));
}

const defaultEveryMs = 60_000;

/** Counts regularly what waits for people, so that no scrape of the metrics asks Orthanc. */
export class Backlog {
  readonly #count: () => Promise<BacklogCounts>;
  readonly #everyMs: number;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  #isPaused = true;
  #running: Promise<void> | undefined;
  #counts: BacklogCounts = {};

  /** @param everyMs other than the default in tests alone */
  constructor(count: () => Promise<BacklogCounts>, log: Logger, everyMs = defaultEveryMs) {
    this.#count = count;
    this.#everyMs = everyMs;
    this.#log = log;
  }

  /** Empty where it is not known now. */
  get counts(): BacklogCounts {
    return this.#counts;
  }

  resume(): void {
    this.#isPaused = false;
    this.#running ??= this.#run();
  }

  pause(): void {
    this.#isPaused = true;
    this.#counts = {};
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    // Not at once: at the start, and after an outage, others have more urgent questions.
    for (await sleep(this.#everyMs / 6, signal); !signal.aborted; await sleep(this.#everyMs, signal))
      if (!this.#isPaused) await this.#look();
  }

  async #look(): Promise<void> {
    try {
      const counts = await this.#count();
      this.#counts = this.#isPaused ? {} : counts;
    } catch (caught) {
      this.#counts = {};
      this.#log.debug({ err: asPlainviewError(caught) }, 'what waits for people could not be counted');
    }
  }
}
