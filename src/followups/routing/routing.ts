import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { sleep } from '../../async/sleep.js';
import type { Config } from '../../config/options.js';
import type { Derived } from '../../decisions/derived.js';
import type { OnPart } from '../../decisions/study-trees.js';
import { asPlainviewError, createError } from '../../errors/errors.js';
import { mayMeanAway } from '../../orthanc/availability.js';
import type { KnownDestinations } from '../../orthanc/forwarder.js';
import type { InstanceId, StudyId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { Locks } from '../../store/locks.js';
import type { FollowUp } from '../follow-up.js';
import { OrthancDestination } from './destinations/orthanc.js';
import { WebhookDestination } from './destinations/webhook.js';
import { GroupLabels } from './group-labels.js';
import { InstanceLabels } from './instance-labels.js';
import { Ledger } from './ledger.js';
import { LoopGuard } from './loop-guard.js';
import { type BackOff, Outbox } from './outbox.js';
import { findPending } from './pending.js';
import { RouteMetrics } from './route-metrics.js';
import { RoutingFollowUp } from './routing-follow-up.js';
import { type Rules, readRules, requireKnownDestinations } from './rules/read.js';
import { nameOf, targetsOf } from './rules/schema.js';

const retryMs = 5000;

interface Parts {
  orthanc: Orthanc;
  config: Config;
  /** Those of the network, and the others that a person can choose. */
  categories: readonly string[];
  registry: Registry;
  locks: Locks;
  backOff?: BackOff | undefined;
  /** Where another process sends: gives it what is pending. Else it returns false. */
  relay?: ((instance: InstanceId, to: string) => boolean) | undefined;
  onPart: OnPart;
  log: Logger;
}

/** Routing as a whole: the rules, an outbox for each destination, and the search for pending routes. */
export class Routing {
  readonly followUp: FollowUp;
  readonly derived: readonly Derived[];
  /** Brings the labels of rules on series and study up to date after an instance has changed. */
  readonly addUp: (study: StudyId, changed: InstanceId) => Promise<void>;
  readonly #orthanc: Orthanc;
  readonly #rules: Rules;
  readonly #ledger: Ledger;
  readonly #outboxes: ReadonlyMap<string, Outbox>;
  readonly #log: Logger;
  readonly #hasSeveral: boolean;
  #known: Pick<KnownDestinations, 'aets'> | undefined;
  readonly #stop = new AbortController();
  #search: Promise<void> | undefined;

  /** @throws rules_invalid */
  constructor(
    { orthanc, config, categories, registry, locks, backOff, relay, onPart, log }: Parts,
    file: string,
  ) {
    this.#orthanc = orthanc;
    this.#log = log;
    this.#hasSeveral = config.orthancUrl.length > 1;
    this.#rules = readRules(file, categories);
    this.#ledger = new Ledger(orthanc, config.labelPrefix, locks);
    const shared = {
      ledger: this.#ledger,
      loopGuard: new LoopGuard(),
      orthanc,
      metrics: new RouteMetrics(registry, () => this.#outboxes.values()),
      refill: async () => {
        await findPending(orthanc, this.#ledger, this.#outboxes);
      },
      perMinute: this.#rules.perMinute,
      backOff,
      log,
    };
    const targets = new Map(
      this.#rules.rules.flatMap(targetsOf).map((target) => [nameOf(target), target] as const),
    );
    this.#outboxes = new Map(
      [...targets].flatMap(([key, { kind, name }]) => {
        if (kind !== 'webhook')
          return [[key, new Outbox({ ...shared, destination: new OrthancDestination(kind, name, config) })]];
        const webhook = this.#rules.webhooks.get(name);
        return webhook === undefined
          ? []
          : [[key, new Outbox({ ...shared, destination: new WebhookDestination(name, webhook, orthanc) })]];
      }),
    );
    const groupLabels = new GroupLabels(orthanc, locks, onPart);
    this.addUp = (study, changed) => groupLabels.aggregate(study, changed);
    const onPending = (id: InstanceId, to: string) => {
      if (relay?.(id, to) !== true) this.enqueue(id, to);
    };
    const instanceLabels = new InstanceLabels({ orthanc, ledger: this.#ledger, onPending });
    this.derived = [instanceLabels, groupLabels];
    this.followUp = new RoutingFollowUp({
      orthanc,
      rules: this.#rules,
      ledger: this.#ledger,
      groupLabels,
      onPending,
      known: () => this.#known ?? { aets: new Map() },
      labelPrefix: config.labelPrefix,
    });
    log.info({ file, rules: this.#rules.rules.length, sha256: this.#rules.sha256 }, 'rules read');
  }

  /** What is pending of an instance for a destination is to be sent. */
  enqueue(id: InstanceId, to: string): void {
    this.#outboxes.get(to)?.enqueue(id);
  }

  /**
   * Checks that Orthanc knows the destinations of the rules: also where another process sends. Of several Orthancs, the one that sends must answer the first
   * time. Later, only its routes wait for it.
   * @throws rules_invalid at the first check. Later, an unknown destination is logged and treated as unreachable.
   */
  async checkDestinations(): Promise<void> {
    const known = await this.#orthanc.forwarder.destinations().catch((caught: unknown) => {
      const error = asPlainviewError(caught);
      const isAway = mayMeanAway(error) || error.code === 'orthanc_timeout';
      if (!isAway || this.#known === undefined || !this.#hasSeveral) throw error;
      this.#log.warn({ err: error }, 'the Orthanc that sends is away: routes to its destinations wait');
    });
    if (known === undefined) return;
    try {
      requireKnownDestinations(this.#rules, known);
    } catch (error) {
      if (this.#known === undefined) throw error;
      this.#log.error({ err: error }, 'routes to these destinations wait');
    }
    this.#known = known;
  }

  /**
   * Sends the failed routes of an instance again.
   * @param only a destination; undefined: all destinations of the rules
   * @returns the destinations of these routes
   * @throws destination_unknown
   */
  async retry(id: InstanceId, only: string | undefined): Promise<string[]> {
    if (only !== undefined && !this.#outboxes.has(only))
      throw createError('destination_unknown', { known: [...this.#outboxes.keys()] });
    const retried = await this.#ledger.retry(id, (to) =>
      only === undefined ? this.#outboxes.has(to) : to === only,
    );
    for (const to of retried) this.#outboxes.get(to)?.enqueue(id);
    return retried;
  }

  /** Sends, and looks for what an earlier run, or another process, has left pending. After `checkDestinations`. */
  resume(): void {
    for (const outbox of this.#outboxes.values()) outbox.resume();
    this.search();
  }

  /** Looks for what an earlier run, or a process that ended, has left pending. */
  search(): void {
    this.#search ??= this.#findPending().finally(() => {
      this.#search = undefined;
    });
  }

  pause(): void {
    for (const outbox of this.#outboxes.values()) outbox.pause();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#search;
    await Promise.all([...this.#outboxes.values()].map((outbox) => outbox.stop()));
  }

  /** Finds the routes that an earlier run left pending. Retries until the search succeeds. */
  async #findPending(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const count = await findPending(this.#orthanc, this.#ledger, this.#outboxes);
        if (count > 0) this.#log.info({ count }, 'pending routes found');
        return;
      } catch (caught) {
        const error = asPlainviewError(caught);
        if (!(await this.#orthanc.isAway(error)))
          this.#log.warn({ err: error }, 'the search for pending routes failed');
        await sleep(retryMs, this.#stop.signal);
      }
    }
  }
}
