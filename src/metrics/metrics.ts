import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { QueueDepth } from '../queue/queue.js';

export type Stage = 'describe' | 'render' | 'decode' | 'prepare' | 'infer' | 'record' | 'follow' | 'total';

/**
 * The metrics at `/metrics`. Their labels hold codes and categories, never identifiers, so that their number stays
 * small.
 */
export class Metrics {
  readonly registry = new Registry();

  readonly stageSeconds = new Histogram({
    name: 'plainview_stage_seconds',
    help: 'Seconds an instance spends in each stage; total: from taking it up to its labels.',
    labelNames: ['stage'] as const,
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
    registers: [this.registry],
  });

  readonly decisions = new Counter({
    name: 'plainview_decisions_total',
    help: 'Instances decided, by decision and category (none unless the decision is a category).',
    labelNames: ['decision', 'category'] as const,
    registers: [this.registry],
  });

  readonly shadow = new Counter({
    name: 'plainview_shadow_total',
    help: 'Decisions beside which the shadow network agrees, differs, or has failed.',
    labelNames: ['outcome'] as const,
    registers: [this.registry],
  });

  readonly acknowledged = new Counter({
    name: 'plainview_order_mismatches_acknowledged_total',
    help: 'Decisions that differ from the order and that a person answered, by the answer.',
    labelNames: ['answer'] as const,
    registers: [this.registry],
  });

  readonly skipped = new Counter({
    name: 'plainview_skipped_total',
    help: 'Instances left alone, by the reason.',
    labelNames: ['why'] as const,
    registers: [this.registry],
  });

  readonly leftAlone = new Counter({
    name: 'plainview_left_alone_total',
    help: 'Instances left alone because they are no radiographs, by Modality, once for each time they were met.',
    labelNames: ['modality'] as const,
    registers: [this.registry],
  });

  readonly renderingsSpared = new Counter({
    name: 'plainview_renderings_spared_total',
    help: 'Radiographs of another network that a sweep judged by kept features, without a rendering.',
    registers: [this.registry],
  });

  readonly failures = new Counter({
    name: 'plainview_failures_total',
    help: 'Failed tries, by error code; not each of them ends in a failed instance.',
    labelNames: ['code'] as const,
    registers: [this.registry],
  });

  readonly mended = new Counter({
    name: 'plainview_mended_total',
    help: 'Labels and records of studies that were not as the instances asked for, and were mended.',
    labelNames: ['what'] as const,
    registers: [this.registry],
  });

  readonly notices = new Counter({
    name: 'plainview_hook_notices_total',
    help: "Calls of Orthanc's hook, by what became of them.",
    labelNames: ['outcome'] as const,
    registers: [this.registry],
  });

  readonly changesLate = new Counter({
    name: 'plainview_changes_late_total',
    help: "Entries of Orthanc's change log that became visible after entries with higher numbers.",
    registers: [this.registry],
  });

  readonly auditLost = new Counter({
    name: 'plainview_audit_lost_total',
    help: 'Entries of the audit trail that could not be written to PLAINVIEW_AUDIT_FILE.',
    registers: [this.registry],
  });

  readonly orthancUp = new Gauge({
    name: 'plainview_orthanc_up',
    help: '1 while Orthanc answers, else 0.',
    registers: [this.registry],
  });

  /** Memory, event loop and garbage collection. To be called once in a process: what it starts runs as long as that. */
  observeProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Reads the number of dropped log lines at each scrape. */
  observeLog(dropped: () => number): void {
    new Counter({
      name: 'plainview_log_lines_dropped_total',
      help: 'Log lines that standard output did not take.',
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(dropped());
      },
    });
  }

  /** Reads at each scrape which of several Orthancs answer. */
  observeNodes(nodes: { readonly states: readonly { url: string; answers: boolean }[] }): void {
    new Gauge({
      name: 'plainview_orthanc_node_up',
      help: '1 while this one of several Orthancs answers and can be used, else 0.',
      labelNames: ['node'],
      registers: [this.registry],
      collect() {
        for (const { url, answers } of nodes.states) this.set({ node: url }, answers ? 1 : 0);
      },
    });
  }

  /** Reads at each scrape whether the state folder can be written. */
  observeState(probe: { readonly problem: string | undefined }): void {
    new Gauge({
      name: 'plainview_state_writable',
      help: '1 while the state can be written, else 0.',
      registers: [this.registry],
      collect() {
        this.set(probe.problem === undefined ? 1 : 0);
      },
    });
  }

  /** Reads at each scrape how many stations' pictures are not what they were. */
  observeDrift(drift: { readonly changes: readonly { station: string; signal: string }[] }): void {
    new Gauge({
      name: 'plainview_drift_stations',
      help: 'Stations whose pictures are not what they were, until an admin accepts that, by what has become more frequent.',
      labelNames: ['signal'],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const signal of ['unsure', 'unknown', 'scores', 'corrected'])
          this.set(
            { signal },
            new Set(drift.changes.filter((each) => each.signal === signal).map(({ station }) => station))
              .size,
          );
      },
    });
  }

  /** Reads at each scrape who works on the archive. */
  observeMembers(shared: { readonly leads: boolean; readonly members: number }): void {
    new Gauge({
      name: 'plainview_leader',
      help: '1 while this process leads those that work on the archive, else 0.',
      registers: [this.registry],
      collect() {
        this.set(shared.leads ? 1 : 0);
      },
    });
    new Gauge({
      name: 'plainview_members',
      help: 'Processes that work on the archive.',
      registers: [this.registry],
      collect() {
        this.set(shared.members);
      },
    });
  }

  /** Reads at each scrape how far the change log is behind. */
  observeLag(follower: {
    readonly lag: { changes: number; seconds: number };
    readonly openGaps: number;
  }): void {
    new Gauge({
      name: 'plainview_change_log_lag_changes',
      help: "Entries of Orthanc's change log that are not settled.",
      registers: [this.registry],
      collect() {
        this.set(follower.lag.changes);
      },
    });
    new Gauge({
      name: 'plainview_change_log_lag_seconds',
      help: "Seconds since Orthanc's change log was last read to its end.",
      registers: [this.registry],
      collect() {
        this.set(follower.lag.seconds);
      },
    });
    new Gauge({
      name: 'plainview_change_log_open_gaps',
      help: "Gaps in the numbers of Orthanc's change log that are still looked at, because an entry may come late.",
      registers: [this.registry],
      collect() {
        this.set(follower.openGaps);
      },
    });
  }

  /** Reads the depth of the queue at each scrape. */
  observeQueue(queue: { depth(): QueueDepth }): void {
    new Gauge({
      name: 'plainview_queue_jobs',
      help: 'Jobs that are waiting, running, or pausing before another try (delayed).',
      labelNames: ['state'] as const,
      registers: [this.registry],
      collect() {
        const { oldestSeconds: _, ...counts } = queue.depth();
        for (const [state, count] of Object.entries(counts)) this.set({ state }, count);
      },
    });
    new Gauge({
      name: 'plainview_queue_oldest_seconds',
      help: 'For how long the oldest waiting job waits.',
      registers: [this.registry],
      collect() {
        this.set(queue.depth().oldestSeconds);
      },
    });
  }
}
