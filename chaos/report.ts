/** The result of a scenario. */
export interface Report {
  title: string;
  /** The table: row name → column name → cell. */
  rows: Record<string, Record<string, string | number>>;
  /** One sentence for each violated invariant. */
  violations: string[];
}

export interface ScenarioOptions {
  /** Seeded random numbers from 0 to 1, without 1. */
  random: () => number;
  /** Factor for the number of instances. */
  scale: number;
  /** Also run what takes long. */
  full: boolean;
  log: (line: string) => void;
}

export type Scenario = (terms: ScenarioOptions) => Promise<Report>;

export const sized = (count: number, { scale }: ScenarioOptions): number =>
  Math.max(1, Math.round(count * scale));

const maxShown = 10;

/** @returns whether all invariants hold */
export function print({ title, rows, violations }: Report): boolean {
  console.log(`\n${title}`);
  console.table(rows);
  for (const violation of violations.slice(0, maxShown)) console.log(`  VIOLATED: ${violation}`);
  if (violations.length > maxShown) console.log(`  … and ${violations.length - maxShown} more`);
  if (violations.length === 0) console.log('  All invariants hold.');
  return violations.length === 0;
}
