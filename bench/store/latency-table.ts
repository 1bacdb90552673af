import { median, quantile } from '../statistics.js';
import { type Latencies, stages } from './latency.js';

const number = (value: number, digits = 0) => value.toFixed(digits);

/** Prints two tables. @param measured two variants; the ratio is that of the second to the first */
export function latencyTables(measured: ReadonlyMap<string, Latencies>): void {
  const variants = [...measured];
  const compared = variants
    .map(([name]) => name)
    .toReversed()
    .join(' / ');
  const ratioOf = ([first = Number.NaN, second = Number.NaN]: readonly number[]) => number(second / first, 2);
  const spread = (what: string, of: (side: Latencies) => number[]) => {
    const cells = variants.flatMap(([name, side]) => {
      const values = of(side);
      const three = [median(values), quantile(values, 0.95), quantile(values, 1)];
      return ['median', 'p95', 'max'].map((title, index) => [
        `${name} ${title}`,
        number(three[index] ?? Number.NaN),
      ]);
    });
    return [
      what,
      { ...Object.fromEntries(cells), [compared]: ratioOf(variants.map(([, side]) => median(of(side)))) },
    ];
  };
  console.table(
    Object.fromEntries([
      spread('upload', (side) => side.upload),
      spread('stored → label on the study', (side) => side.label),
      spread('stored → RadiographCategory', (side) => side.category),
    ]),
  );
  console.table(
    Object.fromEntries(
      stages.map((stage) => {
        const means = variants.map(([, side]) => side.stages[stage] ?? Number.NaN);
        const cells = variants.map(([name], index) => [
          `${name} mean`,
          number(means[index] ?? Number.NaN, 1),
        ]);
        return [stage, { ...Object.fromEntries(cells), [compared]: ratioOf(means) }];
      }),
    ),
  );
}
