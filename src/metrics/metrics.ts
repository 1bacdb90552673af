import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { ObservedMetrics } from './observed.js';

export const stages = [
  'describe',
  'render',
  'decode',
  'prepare',
  'infer',
  'record',
  'follow',
  'total',
] as const;
export type Stage = (typeof stages)[number];

/** What becomes of a call of the hook. */
export const noticeOutcomes = ['accepted', 'own', 'unauthorised', 'malformed'] as const;
export type NoticeOutcome = (typeof noticeOutcomes)[number];

/** Gauges of `prom-client` whose names are those of counters, and which say the same as others. */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/**
 * The metrics at `/metrics`. Their labels hold codes and categories, never identifiers, so that their number stays
 * small.
 */
export class Metrics {
  readonly registry = new Registry();
  /** Values that are read at each scrape. */
  readonly observed = new ObservedMetrics(this.registry);

  readonly stageSeconds = new Histogram({
    name: 'plainview_stage_seconds',
    help: 'Seconds an instance spends in each stage; total: from taking it up to its labels.',
    labelNames: ['stage'] as const,
    // From a call to an Orthanc on the same machine to the longest time-out of a call.
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers: [this.registry],
  });

  readonly decisions = new Counter({
    name: 'plainview_decisions_total',
    help: 'Instances decided, by decision and category (none unless the decision is a category).',
    labelNames: ['decision', 'category'] as const,
    registers: [this.registry],
  });

  readonly corrections = new Counter({
    name: 'plainview_corrections_total',
    help: "Decisions of people, by the network's decision and whether they confirm it. One that is changed once more counts again.",
    labelNames: ['decision', 'verdict'] as const,
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
    for (const name of misnamed) this.registry.removeSingleMetric(name);
  }

  /** Of counters, all that can occur: Prometheus does not see the first increase of one that was not there before. */
  startAtZero(known: {
    categories: readonly string[];
    shadows: readonly string[];
    skipReasons: readonly string[];
    answers: readonly string[];
    failures: readonly string[];
    mended: readonly string[];
  }): void {
    for (const stage of stages) this.stageSeconds.zero({ stage });
    for (const category of known.categories) this.decisions.inc({ decision: 'category', category }, 0);
    for (const decision of ['needs_review', 'unknown_view', 'failed'])
      this.decisions.inc({ decision, category: 'none' }, 0);
    for (const decision of ['category', 'needs_review', 'unknown_view'])
      for (const verdict of ['confirmed', 'corrected']) this.corrections.inc({ decision, verdict }, 0);
    this.corrections.inc({ decision: 'failed', verdict: 'corrected' }, 0);
    for (const outcome of known.shadows) this.shadow.inc({ outcome }, 0);
    for (const why of known.skipReasons) this.skipped.inc({ why }, 0);
    for (const answer of known.answers) this.acknowledged.inc({ answer }, 0);
    for (const code of known.failures) this.failures.inc({ code }, 0);
    for (const what of known.mended) this.mended.inc({ what }, 0);
    for (const outcome of noticeOutcomes) this.notices.inc({ outcome }, 0);
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
}
