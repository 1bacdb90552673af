import { otherClass } from '../classify/decide.js';
import type { Confusion } from './figures.js';

export interface Mistake {
  readonly label: string;
  readonly predicted: string;
  readonly n: number;
}

/**
 * The confusions of two classes, the most frequent first. `other` pictures are left out for a network without that
 * class, because it is always wrong on them.
 */
export const mistakesOf = ({ rows, columns, counts }: Confusion): Mistake[] =>
  counts
    .flatMap((row, i) => row.map((n, j) => ({ label: rows[i] ?? '', predicted: columns[j] ?? '', n })))
    .filter(({ label, predicted, n }) => n > 0 && label !== predicted)
    .filter(({ label }) => label !== otherClass || columns.includes(otherClass))
    .sort((a, b) => b.n - a.n);
