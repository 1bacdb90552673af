import type { Metrics, Stage } from '../metrics/metrics.js';
import { noTracing, type Tracing } from '../tracing/tracing.js';

/** Tells how long the stages of jobs take: in the metrics, and in traces where they are on. */
export class Stages {
  readonly #metrics: Metrics;
  readonly #tracing: Tracing;

  constructor(metrics: Metrics, tracing: Tracing = noTracing) {
    this.#metrics = metrics;
    this.#tracing = tracing;
  }

  /** @param endedAgo when it ended, seconds ago */
  observe(stage: Stage, seconds: number, endedAgo = 0): void {
    this.#metrics.stageSeconds.observe({ stage }, seconds);
    if (stage !== 'total') this.#tracing.stage(stage, seconds, endedAgo);
  }

  async timed<T>(stage: Stage, step: () => Promise<T>): Promise<T> {
    const began = performance.now();
    try {
      return await step();
    } finally {
      this.observe(stage, (performance.now() - began) / 1000);
    }
  }
}
