import { expect, test } from 'vitest';
import { minimise } from '../../../src/learn/minimise.js';

/** A bowl that is a thousand times steeper along one axis than along another; least at (1, -2, 3). */
const bowl = (point: Float64Array, gradient: Float64Array): number => {
  const [steepness, least] = [
    [1, 30, 1000],
    [1, -2, 3],
  ];
  let value = 0;
  for (const [i, s] of (steepness ?? []).entries()) {
    const off = (point[i] ?? 0) - (least?.[i] ?? 0);
    gradient[i] = s * off;
    value += (s * off ** 2) / 2;
  }
  return value;
};

test('finds the least value of a convex function', () => {
  const { point, value, converged } = minimise(bowl, new Float64Array(3), {
    tolerance: 1e-8,
    evaluations: 100,
  });
  expect(converged).toBe(true);
  expect(value).toBeCloseTo(0, 12);
  expect([...point].map((x) => Math.round(x * 1e6) / 1e6)).toEqual([1, -2, 3]);
});

test('says that it did not get there within its evaluations', () => {
  const { evaluations, converged } = minimise(bowl, new Float64Array(3), { tolerance: 1e-8, evaluations: 4 });
  expect(converged).toBe(false);
  expect(evaluations).toBeLessThanOrEqual(4);
});

test('stays where it starts at the least value', () => {
  const start = Float64Array.of(1, -2, 3);
  expect(minimise(bowl, start, { tolerance: 1e-8, evaluations: 10 }).point).toEqual(start);
});
