import type { Logger } from 'pino';
import { sleep, WakeableTimer } from '../../async/sleep.js';
import { asPlainviewError, type PlainviewError } from '../../errors/errors.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { AnyDue, Destination } from './destinations/destination.js';
import type { DueRoute, RouteResult } from './ledger.js';
import type { LoopGuard, SentResource } from './loop-guard.js';
import type { RouteMetrics } from './route-metrics.js';

/** Where the routes of some kind of resource are recorded. */
export interface RouteLedger<D extends AnyDue> {
  /** The pending routes of these resources to one destination, in the same order. */
  due(ids: readonly D['resource']['ID'][], to: string): Promise<D[]>;
  end(id: D['resource']['ID'], route: D['route'], result: RouteResult): Promise<void>;
}

export interface OutboxParts<D extends AnyDue> {
  destination: Destination<D>;
  ledger: RouteLedger<D>;
  loopGuard: LoopGuard;
  /** What the loop guard compares. */
  describe: (due: D) => Promise<SentResource>;
  orthanc: Pick<Orthanc, 'isAway'>;
  metrics: RouteMetrics;
  /** Enqueues the pending routes again, after more of them were found than fit into memory. */
  refill: () => Promise<void>;
  /** Limits the resources sent in a minute. */
  perMinute: number;
  /** Other than the default in tests alone. */
  backOff?: BackOff | undefined;
  log: Logger;
}

/** Resources held in memory. The others are in Orthanc, where `refill` finds them. */
const maxHeld = 10_000;
/** Attempts to send one instance to a destination that answers. */
const maxAttempts = 5;
/** Delays between two attempts, milliseconds: doubled each time, up to the longest. */
export interface BackOff {
  first: number;
  longest: number;
}
const defaultBackOff: BackOff = { first: 1000, longest: 60_000 };

/**
 * The pending instances, or studies, of one destination, in the order in which they became pending. While the destination
 * does not answer, all of them wait. If it answers but does not accept one, that route fails, and the others go on.
 */
export class Outbox<D extends AnyDue = DueRoute> {
  readonly #parts: OutboxParts<D>;
  readonly #log: Logger;
  /** A Map keeps the order. An instance that is enqueued again while it is being sent gets a new mark. */
  readonly #waiting = new Map<D['resource']['ID'], object>();
  readonly #stop = new AbortController();
  readonly #timer = new WakeableTimer(this.#stop.signal);
  #overflowed = false;
  #paused = true;
  #running: Promise<void> | undefined;
  /** Instances in one batch: 1 after a failure, then doubled. */
  #batchSize = 1;
  #failures = 0;
  #attempts = 0;
  #downSince: number | undefined;
  /** The last batch, if it was a single instance: it may be the cause of a failure. */
  #single: D | undefined;

  constructor(parts: OutboxParts<D>) {
    this.#parts = parts;
    this.#log = parts.log.child({ destination: parts.destination.name });
  }

  get name(): string {
    return this.#parts.destination.name;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  enqueue(id: D['resource']['ID']): void {
    if (this.#waiting.size >= maxHeld && !this.#waiting.has(id)) this.#overflowed = true;
    else this.#waiting.set(id, {});
    // During back-off the timer is not woken.
    if (this.#failures === 0) this.#timer.wake();
  }

  /** Starts sending, or goes on after a pause. */
  resume(): void {
    this.#paused = false;
    this.#timer.wake();
    this.#running ??= this.#run();
  }

  pause(): void {
    this.#paused = true;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#timer.wake();
    // A destination that hangs must not delay the stop.
    this.#parts.destination.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        if (this.#overflowed && this.#waiting.size === 0 && !this.#paused) await this.#refill();
        if (this.#paused || this.#waiting.size === 0) {
          await this.#timer.sleep();
          continue;
        }
        // While a destination is down, it is only tested: failing jobs would delay others in Orthanc.
        if (this.#downSince !== undefined && (await this.#parts.destination.isReachable()) === false) {
          await this.#backOff();
          continue;
        }
        const sent = await this.#sendBatch();
        this.#markUp();
        await sleep((sent * 60_000) / this.#parts.perMinute, this.#stop.signal);
      } catch (caught) {
        if (!this.#stop.signal.aborted) await this.#handleFailure(asPlainviewError(caught));
      }
    }
  }

  /** @returns the number of instances sent */
  async #sendBatch(): Promise<number> {
    const { destination, ledger, loopGuard } = this.#parts;
    const batch = [...this.#waiting].slice(0, this.#batchSize);
    const due = await ledger.due(
      batch.map(([id]) => id),
      destination.name,
    );
    const unsent = await this.#skipReturned(due);
    if (unsent.length > 0) {
      this.#single = unsent.length === 1 ? unsent[0]?.due : undefined;
      await destination.send(
        unsent.map((each) => each.due),
        this.#stop.signal,
      );
    }
    for (const { due: each, sent } of unsent) {
      await this.#end(each, { state: 'sent' });
      loopGuard.add(sent, new Date().toISOString());
    }
    this.#drop(batch);
    this.#batchSize = Math.min(this.#batchSize * 2, destination.maxBatch);
    return unsent.length;
  }

  /** Records as skipped what came back as it was sent. @returns the others */
  async #skipReturned(due: readonly D[]): Promise<{ due: D; sent: SentResource }[]> {
    const { describe, loopGuard } = this.#parts;
    const unsent: { due: D; sent: SentResource }[] = [];
    for (const each of due) {
      const sent = await describe(each);
      const before = each.sentBefore ? undefined : loopGuard.find(sent);
      if (before === undefined) unsent.push({ due: each, sent });
      else await this.#end(each, { state: 'skipped', why: `the very same was sent there at ${before}` });
    }
    return unsent;
  }

  async #handleFailure(error: PlainviewError): Promise<void> {
    const { destination, orthanc } = this.#parts;
    if (await orthanc.isAway(error)) return this.#backOff();
    if (error.code !== 'route_unreachable' && error.code !== 'route_rejected')
      this.#log.info({ err: error }, 'sending waits for Orthanc');
    else if (this.#batchSize > 1) {
      // The batch has several instances. Sending them one by one shows which of them fails.
      this.#batchSize = 1;
      return;
    } else {
      const answers =
        error.code === 'route_rejected' || (await destination.isReachable().catch(() => undefined));
      if (answers === true && this.#single !== undefined) {
        this.#log.info(
          { err: error, resource: this.#single.resource.ID },
          'the destination did not accept it',
        );
        if (error.code === 'route_rejected' || ++this.#attempts >= maxAttempts)
          return this.#recordFailure(this.#single, error);
      } else this.#markDown(error);
    }
    await this.#backOff();
  }

  /** Waits 1, 2, 4 … 60 s, plus up to a quarter of that at random. Ends early when Orthanc is back after an outage. */
  #backOff(): Promise<void> {
    const { first, longest } = this.#parts.backOff ?? defaultBackOff;
    const ms = Math.min(first * 2 ** this.#failures++, longest);
    return this.#timer.sleep(ms * (1 + Math.random() / 4));
  }

  async #recordFailure(due: D, error: PlainviewError): Promise<void> {
    const { ID: resource } = due.resource;
    this.#log.warn(
      { err: error, resource },
      'the route failed: the instance or study is labelled route_failed',
    );
    await this.#end(due, { state: 'failed', why: error.message }).catch((caught: unknown) => {
      // The route is still pending, so it is retried.
      this.#log.error({ err: caught, resource }, 'the failure could not be recorded');
    });
    this.#attempts = 0;
    this.#failures = 0;
  }

  async #end(due: D, ending: RouteResult): Promise<void> {
    await this.#parts.ledger.end(due.resource.ID, due.route, ending);
    this.#parts.metrics.ended.inc({ destination: this.name, state: ending.state });
    this.#log.debug({ resource: due.resource.ID, rule: due.route.rule, ...ending }, 'routed');
  }

  #markDown(error: PlainviewError): void {
    if (this.#downSince !== undefined) return;
    this.#downSince = performance.now();
    this.#parts.metrics.up.set({ destination: this.name }, 0);
    this.#log.warn(
      { code: error.code, waiting: this.waiting },
      `${error.message} What is to go there waits.`,
    );
  }

  #markUp(): void {
    this.#failures = 0;
    this.#attempts = 0;
    this.#parts.metrics.up.set({ destination: this.name }, 1);
    if (this.#downSince === undefined) return;
    const seconds = Math.round((performance.now() - this.#downSince) / 1000);
    this.#downSince = undefined;
    this.#log.info({ seconds, waiting: this.waiting }, 'the destination accepts instances again');
  }

  #drop(batch: readonly (readonly [D['resource']['ID'], object])[]): void {
    for (const [id, mark] of batch) if (this.#waiting.get(id) === mark) this.#waiting.delete(id);
  }

  async #refill(): Promise<void> {
    this.#overflowed = false;
    await this.#parts.refill().catch((error: unknown) => {
      this.#overflowed = true;
      throw error;
    });
  }
}
