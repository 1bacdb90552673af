import type { Logger } from 'pino';
import { sleep, WakeableTimer } from '../../async/sleep.js';
import { asPlainviewError, type PlainviewError } from '../../errors/errors.js';
import type { Files } from '../../orthanc/files.js';
import type { InstanceId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { Destination } from './destinations/destination.js';
import type { Due, Ending, Ledger } from './ledger.js';
import type { LoopGuard, Sent } from './loop-guard.js';
import type { RouteMetrics } from './route-metrics.js';

interface Parts {
  destination: Destination;
  ledger: Pick<Ledger, 'due' | 'end'>;
  loopGuard: LoopGuard;
  orthanc: Pick<Orthanc, 'isAway'> & { files: Pick<Files, 'md5'> };
  metrics: RouteMetrics;
  /** Asks for what is pending for this place, after more was to be sent than is held here. */
  refill: () => Promise<void>;
  /** Instances a minute at most. */
  perMinute: number;
  /** Other than the default in tests alone. */
  backOff?: BackOff | undefined;
  log: Logger;
}

/** Instances held in memory; what is beyond stands in Orthanc alone and is found again. */
const mostHeld = 10_000;
/** So often one instance is tried at a place that answers, before it is given up. */
const tries = 5;
/** Between two tries, milliseconds: doubled each time, up to the longest. */
export interface BackOff {
  first: number;
  longest: number;
}
const defaultBackOff: BackOff = { first: 1000, longest: 60_000 };

/**
 * What is to be sent to one place, in the order in which it was decided. While the place does not answer, everything
 * waits, however long; what the place does not take though it answers is given up, and the rest goes on.
 */
export class Outbox {
  readonly #parts: Parts;
  readonly #log: Logger;
  /** A Map keeps the order; what is enqueued again while it is sent gets another mark. */
  readonly #waiting = new Map<InstanceId, object>();
  readonly #stop = new AbortController();
  readonly #timer = new WakeableTimer(this.#stop.signal);
  #overflowed = false;
  #paused = true;
  #running: Promise<void> | undefined;
  /** How much goes at a time: one after a failure, then doubled. */
  #atATime = 1;
  #failures = 0;
  #tries = 0;
  #downSince: number | undefined;
  /** What was sent last, if it went alone: to blame where the place itself is well. */
  #lone: Due | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#log = parts.log.child({ destination: parts.destination.name });
  }

  get name(): string {
    return this.#parts.destination.name;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  enqueue(id: InstanceId): void {
    if (this.#waiting.size >= mostHeld && !this.#waiting.has(id)) this.#overflowed = true;
    else this.#waiting.set(id, {});
    // One that waits for its next try goes on waiting.
    if (this.#failures === 0) this.#timer.wake();
  }

  /** Sends while Orthanc is up. */
  resume(): void {
    this.#paused = false;
    this.#timer.wake();
    this.#running ??= this.#work();
  }

  pause(): void {
    this.#paused = true;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#timer.wake();
    // A place that hangs must not hold up the stop.
    this.#parts.destination.close();
    await this.#running;
  }

  async #work(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        if (this.#overflowed && this.#waiting.size === 0 && !this.#paused) await this.#refill();
        if (this.#paused || this.#waiting.size === 0) {
          await this.#timer.sleep();
          continue;
        }
        // While a place is down it is asked, not sent to: failing jobs would stand in others' way in Orthanc.
        if (this.#downSince !== undefined && (await this.#parts.destination.answers()) === false) {
          await this.#backOff();
          continue;
        }
        const sent = await this.#next();
        this.#recovered();
        await sleep((sent * 60_000) / this.#parts.perMinute, this.#stop.signal);
      } catch (caught) {
        if (!this.#stop.signal.aborted) await this.#failed(asPlainviewError(caught));
      }
    }
  }

  /** @returns how many were sent */
  async #next(): Promise<number> {
    const { destination, ledger, loopGuard } = this.#parts;
    const batch = [...this.#waiting].slice(0, this.#atATime);
    const due = await ledger.due(
      batch.map(([id]) => id),
      destination.name,
    );
    const news = await this.#news(due);
    if (news.length > 0) {
      this.#lone = news.length === 1 ? news[0]?.due : undefined;
      await destination.send(
        news.map((each) => each.due),
        this.#stop.signal,
      );
    }
    for (const { due: each, sent } of news) {
      await this.#end(each, { state: 'sent' });
      loopGuard.add(sent, new Date().toISOString());
    }
    this.#drop(batch);
    this.#atATime = Math.min(this.#atATime * 2, destination.most);
    return news.length;
  }

  /** Leaves out, as skipped, what has come back as the very file that was sent to this place. */
  async #news(due: readonly Due[]): Promise<{ due: Due; sent: Sent }[]> {
    const { orthanc, loopGuard } = this.#parts;
    const news: { due: Due; sent: Sent }[] = [];
    for (const each of due) {
      const { rule, decision, category } = each.route;
      const instance = each.instance.ID;
      const md5 = await orthanc.files.md5(instance);
      const sent = { instance, to: this.name, md5, rule, decision, category };
      const before = each.sentBefore ? undefined : loopGuard.find(sent);
      if (before === undefined) news.push({ due: each, sent });
      else await this.#end(each, { state: 'skipped', why: `this very file was sent there at ${before}` });
    }
    return news;
  }

  async #failed(error: PlainviewError): Promise<void> {
    const { destination, orthanc } = this.#parts;
    if (await orthanc.isAway(error)) return this.#backOff();
    if (error.code !== 'route_unreachable' && error.code !== 'route_rejected')
      this.#log.info({ err: error }, 'sending waits for Orthanc');
    else if (this.#atATime > 1) {
      // One of several: which, shows when they go one by one.
      this.#atATime = 1;
      return;
    } else {
      const answers = error.code === 'route_rejected' || (await destination.answers().catch(() => undefined));
      if (answers === true && this.#lone !== undefined) {
        this.#log.info({ err: error, instance: this.#lone.instance.ID }, 'not taken');
        if (error.code === 'route_rejected' || ++this.#tries >= tries) return this.#giveUp(this.#lone, error);
      } else this.#down(error);
    }
    await this.#backOff();
  }

  /** 1, 2, 4 … 60 s, each up to a quarter longer by chance; cut short when Orthanc is back from an outage. */
  #backOff(): Promise<void> {
    const { first, longest } = this.#parts.backOff ?? defaultBackOff;
    const ms = Math.min(first * 2 ** this.#failures++, longest);
    return this.#timer.sleep(ms * (1 + Math.random() / 4));
  }

  async #giveUp(due: Due, error: PlainviewError): Promise<void> {
    const { instance } = due;
    this.#log.warn({ err: error, instance: instance.ID }, 'given up: labelled route_failed');
    await this.#end(due, { state: 'failed', why: error.message }).catch((caught: unknown) => {
      // Not noted, so not done: it is tried again.
      this.#log.error({ err: caught, instance: instance.ID }, 'the failure itself could not be noted');
    });
    this.#tries = 0;
    this.#failures = 0;
  }

  async #end(due: Due, ending: Ending): Promise<void> {
    await this.#parts.ledger.end(due.instance.ID, due.route, ending);
    this.#parts.metrics.ended.inc({ destination: this.name, state: ending.state });
    this.#log.debug({ instance: due.instance.ID, rule: due.route.rule, ...ending }, 'routed');
  }

  #down(error: PlainviewError): void {
    if (this.#downSince !== undefined) return;
    this.#downSince = performance.now();
    this.#parts.metrics.up.set({ destination: this.name }, 0);
    this.#log.warn(
      { code: error.code, waiting: this.waiting },
      `${error.message} What is to go there waits.`,
    );
  }

  #recovered(): void {
    this.#failures = 0;
    this.#tries = 0;
    this.#parts.metrics.up.set({ destination: this.name }, 1);
    if (this.#downSince === undefined) return;
    const seconds = Math.round((performance.now() - this.#downSince) / 1000);
    this.#downSince = undefined;
    this.#log.info({ seconds, waiting: this.waiting }, 'the destination takes again');
  }

  #drop(batch: readonly (readonly [InstanceId, object])[]): void {
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
