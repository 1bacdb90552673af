/** Full hours (0–23) of the machine's local time, without `to`. Past midnight where `from` is greater than `to`. */
export interface QuietHours {
  from: number;
  to: number;
}

const hourMs = 3_600_000;

/** @returns milliseconds until the quiet hours begin; 0 within them */
export function untilQuiet({ from, to }: QuietHours, now: Date): number {
  const hour = now.getHours();
  const within = from <= to ? hour >= from && hour < to : hour >= from || hour < to;
  if (within) return 0;
  const begin = new Date(now);
  begin.setHours(from, 0, 0, 0);
  const ms = begin.getTime() - now.getTime();
  return ms > 0 ? ms : ms + 24 * hourMs;
}
