/** Writes the gradient at a point, and returns the value there. */
export type Objective = (point: Float64Array, gradient: Float64Array) => number;

export interface Minimum {
  readonly point: Float64Array;
  readonly value: number;
  readonly evaluations: number;
  readonly converged: boolean;
}

/** Pairs of steps from which the curvature is estimated. */
const memory = 10;
/** Sufficient decrease (Armijo). */
const decrease = 1e-4;

/**
 * L-BFGS (J. Nocedal, S. Wright, Numerical Optimization, 2006, algorithms 7.4 and 7.5) with halved steps, for convex
 * functions. Deterministic.
 * @param tolerance the search ends where the gradient is shorter than this, or where no step goes down
 */
export function minimise(
  objective: Objective,
  start: Float64Array,
  { tolerance, evaluations: most }: { tolerance: number; evaluations: number },
): Minimum {
  let point: Float64Array = start.slice();
  let gradient: Float64Array = new Float64Array(start.length);
  let value = objective(point, gradient);
  let evaluations = 1;
  const pairs: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  while (norm(gradient) > tolerance && evaluations < most) {
    const direction = descent(gradient, pairs);
    const slope = dot(direction, gradient);
    let step = pairs.length === 0 ? Math.min(1, 1 / norm(gradient)) : 1;
    let found: { point: Float64Array; gradient: Float64Array; value: number } | undefined;
    for (; found === undefined && step > 1e-10 && evaluations < most; step /= 2) {
      const next = point.map((x, i) => x + step * at(direction, i));
      const nextGradient = new Float64Array(start.length);
      const nextValue = objective(next, nextGradient);
      evaluations++;
      if (nextValue <= value + decrease * step * slope)
        found = { point: next, gradient: nextGradient, value: nextValue };
    }
    if (found === undefined) break;
    const s = found.point.map((x, i) => x - at(point, i));
    const y = found.gradient.map((g, i) => g - at(gradient, i));
    const curvature = dot(s, y);
    if (curvature > 1e-12 * dot(y, y)) pairs.push({ s, y, rho: 1 / curvature });
    if (pairs.length > memory) pairs.shift();
    ({ point, gradient, value } = found);
  }
  return { point, value, evaluations, converged: norm(gradient) <= tolerance };
}

/** The two-loop recursion: minus the gradient, scaled by the estimated inverse of the curvature. */
function descent(
  gradient: Float64Array,
  pairs: readonly { s: Float64Array; y: Float64Array; rho: number }[],
) {
  const direction = gradient.map((g) => -g);
  const factors: number[] = [];
  for (const { s, y, rho } of pairs.toReversed()) {
    const factor = rho * dot(s, direction);
    factors.push(factor);
    add(direction, y, -factor);
  }
  const last = pairs.at(-1);
  if (last !== undefined) {
    const scale = 1 / (last.rho * dot(last.y, last.y));
    for (let i = 0; i < direction.length; i++) direction[i] = at(direction, i) * scale;
  }
  for (const { s, y, rho } of pairs) add(direction, s, (factors.pop() ?? 0) - rho * dot(y, direction));
  return direction;
}

// All indices come from the lengths.
const at = (values: Float64Array, index: number) => values[index] as number;

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += at(a, i) * at(b, i);
  return sum;
}

const norm = (a: Float64Array) => Math.sqrt(dot(a, a));

function add(to: Float64Array, values: Float64Array, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i] = at(to, i) + factor * at(values, i);
}
