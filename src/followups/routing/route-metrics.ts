import { Counter, Gauge, type Registry } from 'prom-client';

/** The Prometheus metrics of routing. The rules limit the number of destinations. */
export class RouteMetrics {
  readonly ended: Counter<'destination' | 'state'>;
  readonly up: Gauge<'destination'>;

  constructor(registry: Registry, waiting: () => Iterable<{ name: string; waiting: number }>) {
    this.ended = new Counter({
      name: 'plainview_routed_total',
      help: 'Routes that ended: sent, failed, or skipped because they were not needed.',
      labelNames: ['destination', 'state'] as const,
      registers: [registry],
    });
    this.up = new Gauge({
      name: 'plainview_route_up',
      help: '1 while a destination accepts instances, else 0.',
      labelNames: ['destination'] as const,
      registers: [registry],
    });
    new Gauge({
      name: 'plainview_route_waiting',
      help: 'Instances and studies that wait to be sent to a destination.',
      labelNames: ['destination'] as const,
      registers: [registry],
      collect() {
        this.reset();
        // A destination of rules on pictures and of rules on studies has an outbox for each.
        for (const outbox of waiting()) this.inc({ destination: outbox.name }, outbox.waiting);
      },
    });
  }

  /** Prometheus does not see the first increase of a counter that was not there before. */
  startAtZero(destinations: Iterable<string>): void {
    for (const destination of destinations)
      for (const state of ['sent', 'failed', 'skipped']) this.ended.inc({ destination, state }, 0);
  }
}
