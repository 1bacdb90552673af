import { Gauge, type Registry } from 'prom-client';

interface Described {
  name: string;
  help: string;
}

/** A gauge that is read at each scrape. @param read undefined: not known now, so there is no value */
export function gauge(registry: Registry, described: Described, read: () => number | undefined): void {
  new Gauge({
    ...described,
    registers: [registry],
    collect() {
      this.reset();
      const value = read();
      if (value === undefined) this.remove();
      else this.set(value);
    },
  });
}

/** As `gauge`, with labels: a value for each set of them. */
export function gauges<L extends string>(
  registry: Registry,
  { labels, ...described }: Described & { labels: readonly L[] },
  read: () => Iterable<readonly [Readonly<Record<L, string>>, number]>,
): void {
  new Gauge<L>({
    ...described,
    labelNames: [...labels],
    registers: [registry],
    collect() {
      this.reset();
      for (const [of, value] of read()) this.set(of as Record<L, string>, value);
    },
  });
}
