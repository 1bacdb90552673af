import type { Registry } from 'prom-client';
import type { QueueDepth } from '../queue/queue.js';
import { gauge, gauges } from './gauges.js';

/** Metrics whose values others know. They are read at each scrape; each method is to be called once. */
export class ObservedMetrics {
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** What runs here. @param classifier its network can be switched */
  versions(
    { version, commit = '' }: { version: string; commit?: string | undefined },
    classifier: {
      readonly network: { name: string; sha256: string; purpose: string };
      readonly engine: { engine: string };
    },
  ): void {
    gauges(
      this.#registry,
      {
        name: 'plainview_build_info',
        help: 'Always 1; the labels say what runs here.',
        labels: ['version', 'commit', 'node'],
      },
      () => [[{ version, commit, node: process.versions.node }, 1]],
    );
    gauges(
      this.#registry,
      {
        name: 'plainview_network_info',
        help: 'Always 1; the labels name the network in use, and the program that runs it.',
        labels: ['network', 'sha256', 'purpose', 'engine'],
      },
      () => {
        const { network, engine } = classifier;
        const { name, sha256, purpose } = network;
        return [[{ network: name, sha256, purpose, engine: engine.engine }, 1]];
      },
    );
  }

  /** Which of several Orthancs answer. */
  nodes(nodes: { readonly states: readonly { url: string; answers: boolean }[] }): void {
    gauges(
      this.#registry,
      {
        name: 'plainview_orthanc_node_up',
        help: '1 while this one of several Orthancs answers and can be used, else 0.',
        labels: ['node'],
      },
      () => nodes.states.map(({ url, answers }) => [{ node: url }, Number(answers)]),
    );
  }

  /** Whether the state can be written. */
  state(probe: { readonly problem: string | undefined }): void {
    gauge(
      this.#registry,
      { name: 'plainview_state_writable', help: '1 while the state can be written, else 0.' },
      () => Number(probe.problem === undefined),
    );
  }

  /** How many stations' pictures are not what they were. */
  drift(drift: { readonly changes: readonly { station: string; signal: string }[] }): void {
    gauges(
      this.#registry,
      {
        name: 'plainview_drift_stations',
        help: 'Stations whose pictures are not what they were, until an admin accepts that, by what has become more frequent.',
        labels: ['signal'],
      },
      () =>
        ['unsure', 'unknown', 'scores', 'corrected'].map((signal) => {
          const changes = drift.changes.filter((each) => each.signal === signal);
          return [{ signal }, new Set(changes.map(({ station }) => station)).size];
        }),
    );
  }

  /** Who works on the archive. */
  members(shared: { readonly leads: boolean; readonly members: number }): void {
    gauge(
      this.#registry,
      {
        name: 'plainview_leader',
        help: '1 while this process leads those that work on the archive, else 0.',
      },
      () => Number(shared.leads),
    );
    gauge(
      this.#registry,
      { name: 'plainview_members', help: 'Processes that work on the archive.' },
      () => shared.members,
    );
  }

  /** How far the change log is behind. */
  lag(follower: { readonly lag: { changes: number; seconds: number }; readonly openGaps: number }): void {
    gauge(
      this.#registry,
      {
        name: 'plainview_change_log_lag_changes',
        help: "Entries of Orthanc's change log that are not settled.",
      },
      () => follower.lag.changes,
    );
    gauge(
      this.#registry,
      {
        name: 'plainview_change_log_lag_seconds',
        help: "Seconds since Orthanc's change log was last read to its end.",
      },
      () => follower.lag.seconds,
    );
    gauge(
      this.#registry,
      {
        name: 'plainview_change_log_open_gaps',
        help: "Gaps in the numbers of Orthanc's change log that are still looked at, because an entry may come late.",
      },
      () => follower.openGaps,
    );
  }

  /** How much waits for people. */
  backlog(backlog: { readonly counts: Readonly<Record<string, number>> }): void {
    gauges(
      this.#registry,
      {
        name: 'plainview_review_backlog',
        help: 'Pictures that wait for a person, by their label, as counted in Orthanc within the last minute; of category_proposed: studies.',
        labels: ['state'],
      },
      () => Object.entries(backlog.counts).map(([state, count]) => [{ state }, count]),
    );
  }

  /** How far a sweep is. */
  sweep(sweep: {
    readonly progress: { state: string; done: number; total: number; problem?: string | undefined };
  }): void {
    gauge(
      this.#registry,
      { name: 'plainview_sweep_running', help: '1 while a sweep runs, or waits for its hours, else 0.' },
      () => Number(sweep.progress.state !== 'idle'),
    );
    gauge(
      this.#registry,
      { name: 'plainview_sweep_series_settled', help: 'Series that the current or last sweep has settled.' },
      () => sweep.progress.done,
    );
    gauge(
      this.#registry,
      {
        name: 'plainview_sweep_series',
        help: 'Series that the current or last sweep goes through; 0 before it has counted them.',
      },
      () => sweep.progress.total,
    );
    gauge(
      this.#registry,
      { name: 'plainview_sweep_failed', help: '1 where the last sweep broke off, else 0.' },
      () => Number(sweep.progress.problem !== undefined),
    );
  }

  /** What is still to follow decisions. */
  followUps(due: () => Iterable<readonly [name: string, count: number]>): void {
    gauges(
      this.#registry,
      {
        name: 'plainview_follow_ups_due',
        help: 'Instances that are decided, and whose tags, report or routes this process has begun and not ended.',
        labels: ['follow_up'],
      },
      function* () {
        for (const [follow_up, count] of due()) yield [{ follow_up }, count];
      },
    );
  }

  /** When Orthanc's hook last called. */
  hook(notices: { readonly last: Date | undefined }): void {
    gauge(
      this.#registry,
      {
        name: 'plainview_hook_last_notice_timestamp_seconds',
        help: "When Orthanc's hook last reported an instance, in Unix time; absent before the first one since the start.",
      },
      () => (notices.last === undefined ? undefined : notices.last.getTime() / 1000),
    );
  }

  /** The depth of the queue. */
  queue(queue: { depth(): QueueDepth }): void {
    gauges(
      this.#registry,
      {
        name: 'plainview_queue_jobs',
        help: 'Jobs that are waiting, running, or pausing before another try (delayed).',
        labels: ['state'],
      },
      () => {
        const { oldestSeconds: _, ...counts } = queue.depth();
        return Object.entries(counts).map(([state, count]) => [{ state }, count] as const);
      },
    );
    gauge(
      this.#registry,
      { name: 'plainview_queue_oldest_seconds', help: 'For how long the oldest waiting job waits.' },
      () => queue.depth().oldestSeconds,
    );
  }
}
