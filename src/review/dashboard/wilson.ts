/** 95 % interval of a proportion (Wilson, J Am Stat Assoc 1927); 0 to 1 without trials. */
export function wilson(successes: number, trials: number): [low: number, high: number] {
  if (trials === 0) return [0, 1];
  const z = 1.959964;
  const part = successes / trials;
  const spread = z * Math.sqrt((part * (1 - part)) / trials + z ** 2 / (4 * trials ** 2));
  const centre = part + z ** 2 / (2 * trials);
  const scale = 1 + z ** 2 / trials;
  return [Math.max(0, (centre - spread) / scale), Math.min(1, (centre + spread) / scale)];
}
