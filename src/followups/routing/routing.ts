import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Categories } from '../../anatomy/categories.js';
import { sleep } from '../../async/sleep.js';
import type { Config } from '../../config/options.js';
import type { Derived } from '../../decisions/derived.js';
import type { OnPart } from '../../decisions/study-trees.js';
import { asPlainviewError, createError } from '../../errors/errors.js';
import type { InstanceId, StudyId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { Locks } from '../../store/locks.js';
import type { Store } from '../../store/store.js';
import type { FollowUp } from '../follow-up.js';
import { DestinationCheck } from './destination-check.js';
import { StudyWebhookDestination } from './destinations/study-webhook.js';
import { WebhookDestination } from './destinations/webhook.js';
import { GroupLabels } from './group-labels.js';
import { InstanceLabels } from './instance-labels.js';
import { type DueRoute, Ledger } from './ledger.js';
import { LoopGuard } from './loop-guard.js';
import type { BackOff, Outbox } from './outbox.js';
import { outboxesOf } from './outboxes.js';
import { findPending, findPendingStudies } from './pending.js';
import { RouteMetrics } from './route-metrics.js';
import { RoutingFollowUp } from './routing-follow-up.js';
import { type Rules, readRules } from './rules/read.js';
import { type DueStudy, StudyLedger } from './studies/ledger.js';
import { StudyRules } from './studies/study-rules.js';

const retryMs = 5000;

interface Parts {
  orthanc: Orthanc;
  config: Config;
  /** Those of the network, and the others that a person can choose. */
  categories: readonly string[];
  /** What DICOM calls them. */
  codes: Categories;
  store: Store;
  registry: Registry;
  locks: Locks;
  backOff?: BackOff | undefined;
  /** Milliseconds between two looks at studies. Other than the default in tests alone. */
  studyPollMs?: number | undefined;
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
  readonly #studyLedger: StudyLedger;
  readonly #studyOutboxes: ReadonlyMap<string, Outbox<DueStudy>>;
  readonly #studyRules: StudyRules | undefined;
  readonly #findStudies: () => Promise<number>;
  readonly #log: Logger;
  readonly #destinations: DestinationCheck;
  readonly #stop = new AbortController();
  #search: Promise<void> | undefined;

  /** @throws rules_invalid */
  constructor(
    {
      orthanc,
      config,
      categories,
      codes,
      store,
      registry,
      locks,
      backOff,
      studyPollMs,
      relay,
      onPart,
      log,
    }: Parts,
    file: string,
  ) {
    this.#orthanc = orthanc;
    this.#log = log;
    const hasSeveral = config.orthancUrl.length > 1;
    this.#rules = readRules(file, categories);
    this.#destinations = new DestinationCheck({ orthanc, rules: this.#rules, hasSeveral, log });
    this.#ledger = new Ledger(orthanc, config.labelPrefix, locks);
    const { modalities, labelPrefix } = config;
    const metrics = new RouteMetrics(registry, () => [
      ...this.#outboxes.values(),
      ...this.#studyOutboxes.values(),
    ]);
    const shared = {
      loopGuard: new LoopGuard(),
      orthanc,
      metrics,
      perMinute: this.#rules.perMinute,
      backOff,
      log,
    };
    const groupLabels = new GroupLabels(orthanc, locks, onPart, labelPrefix);
    this.#studyLedger = new StudyLedger({
      orthanc,
      groupLabels,
      modalities,
      onChanged: async (study) => this.#studyRules?.mark(study),
      onPending: (id, to) => this.#studyOutboxes.get(to)?.enqueue(id),
    });
    this.#findStudies = () =>
      findPendingStudies(
        orthanc,
        { ledger: this.#studyLedger, groupLabels },
        this.#ledger.pendingLabel,
        this.#studyOutboxes,
      );
    this.#outboxes = outboxesOf<DueRoute>(
      this.#rules.rules,
      this.#rules,
      config,
      {
        ...shared,
        ledger: this.#ledger,
        describe: async ({ resource: { ID }, route: { to, rule, decision, category = '' } }) => ({
          id: ID,
          to,
          rule,
          content: [await orthanc.files.md5(ID), decision, category].join(' '),
        }),
        refill: async () => {
          await findPending(orthanc, this.#ledger, this.#outboxes);
        },
      },
      (name, webhook) => new WebhookDestination(name, webhook, orthanc),
    );
    this.#studyOutboxes = outboxesOf<DueStudy>(
      this.#rules.studies?.rules ?? [],
      this.#rules,
      config,
      {
        ...shared,
        ledger: this.#studyLedger,
        describe: async ({ resource: { ID }, route: { to, rule, of } }) => ({
          id: ID,
          to,
          rule,
          content: of,
        }),
        refill: async () => {
          await this.#findStudies();
        },
      },
      (name, webhook) => new StudyWebhookDestination(name, webhook, orthanc, modalities),
    );
    metrics.startAtZero([...this.#outboxes.keys(), ...this.#studyOutboxes.keys()]);
    this.addUp = (study, changed) => groupLabels.aggregate(study, changed);
    const onPending = (id: InstanceId, to: string) => {
      if (relay?.(id, to) !== true) this.enqueue(id, to);
    };
    const known = () => this.#destinations.known;
    const instanceLabels = new InstanceLabels({ orthanc, ledger: this.#ledger, onPending });
    const { studies } = this.#rules;
    this.#studyRules =
      studies &&
      new StudyRules({
        orthanc,
        store,
        locks,
        groupLabels,
        rules: studies,
        sha256: this.#rules.sha256,
        categories: codes,
        modalities,
        labelPrefix,
        hasSeveral,
        known,
        onPending: (study, to) => this.#studyOutboxes.get(to)?.enqueue(study),
        pollMs: studyPollMs,
        log,
      });
    this.derived = [
      instanceLabels,
      groupLabels,
      ...(this.#studyRules === undefined ? [] : [this.#studyRules]),
    ];
    this.followUp = new RoutingFollowUp({
      orthanc,
      rules: this.#rules,
      ledger: this.#ledger,
      groupLabels,
      onPending,
      markStudy: this.#studyRules && ((study) => this.#studyRules?.mark(study) ?? Promise.resolve()),
      known,
      labelPrefix,
    });
    log.info(
      {
        file,
        rules: this.#rules.rules.length,
        ofStudies: studies?.rules.length ?? 0,
        sha256: this.#rules.sha256,
      },
      'rules read',
    );
  }

  /** What is pending of an instance for a destination is to be sent. */
  enqueue(id: InstanceId, to: string): void {
    this.#outboxes.get(to)?.enqueue(id);
  }

  /**
   * Checks that Orthanc knows the destinations of the rules: also where another process sends.
   * @throws rules_invalid at the first check
   */
  checkDestinations(): Promise<void> {
    return this.#destinations.check();
  }

  /**
   * Sends the failed routes of an instance again.
   * @param only a destination; undefined: all destinations of the rules
   * @returns the destinations of these routes
   * @throws destination_unknown
   */
  async retry(id: InstanceId, only: string | undefined): Promise<string[]> {
    this.#requireKnown(only);
    const retried = await this.#ledger.retry(id, (to) =>
      only === undefined ? this.#outboxes.has(to) : to === only,
    );
    for (const to of retried) this.#outboxes.get(to)?.enqueue(id);
    return retried;
  }

  /** The same of a study. @throws destination_unknown */
  async retryStudy(id: StudyId, only: string | undefined): Promise<string[]> {
    this.#requireKnown(only);
    const retried = await this.#studyLedger.retry(id, (to) =>
      only === undefined ? this.#studyOutboxes.has(to) : to === only,
    );
    for (const to of retried) this.#studyOutboxes.get(to)?.enqueue(id);
    return retried;
  }

  #requireKnown(only: string | undefined): void {
    const known = [...new Set([...this.#outboxes.keys(), ...this.#studyOutboxes.keys()])];
    if (only !== undefined && !known.includes(only)) throw createError('destination_unknown', { known });
  }

  /** Sends, and looks for what an earlier run, or another process, has left pending. After `checkDestinations`. */
  resume(): void {
    for (const outbox of this.#allOutboxes) outbox.resume();
    this.search();
    this.#studyRules?.resume();
  }

  /** Looks for what an earlier run, or a process that ended, has left pending. */
  search(): void {
    this.#search ??= this.#findPending().finally(() => {
      this.#search = undefined;
    });
  }

  pause(): void {
    this.#studyRules?.pause();
    for (const outbox of this.#allOutboxes) outbox.pause();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#search;
    await this.#studyRules?.stop();
    await Promise.all(this.#allOutboxes.map((outbox) => outbox.stop()));
  }

  get #allOutboxes(): { resume(): void; pause(): void; stop(): Promise<void> }[] {
    return [...this.#outboxes.values(), ...this.#studyOutboxes.values()];
  }

  /** Finds the routes that an earlier run left pending. Retries until the search succeeds. */
  async #findPending(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const count =
          (await findPending(this.#orthanc, this.#ledger, this.#outboxes)) + (await this.#findStudies());
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
