/** What a scenario found. */
export interface Report {
  title: string;
  /** The table: a name for each row, then its cells. */
  rows: Record<string, Record<string, string | number>>;
  /** Invariants that do not hold, a sentence each. */
  violations: string[];
}

/** What every scenario is given. */
export interface ScenarioOptions {
  /** Numbers from 0 to 1 that the seed decides. */
  random: () => number;
  /** What share of the full number of instances to use. */
  scale: number;
  /** Also what takes long. */
  full: boolean;
  log: (line: string) => void;
}

export type Scenario = (terms: ScenarioOptions) => Promise<Report>;

export const sized = (count: number, { scale }: ScenarioOptions): number =>
  Math.max(1, Math.round(count * scale));

const mostShown = 10;

/** @returns whether all invariants hold */
export function print({ title, rows, violations }: Report): boolean {
  console.log(`\n${title}`);
  console.table(rows);
  for (const violation of violations.slice(0, mostShown)) console.log(`  VIOLATED: ${violation}`);
  if (violations.length > mostShown) console.log(`  … and ${violations.length - mostShown} more`);
  if (violations.length === 0) console.log('  All invariants hold.');
  return violations.length === 0;
}
