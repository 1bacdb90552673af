import { expect, test } from 'vitest';
import { untilQuiet } from '../../../src/intake/quiet-hours.js';

const at = (hour: number, minute = 0) => new Date(2026, 0, 15, hour, minute);
const hours = (ms: number) => ms / 3_600_000;

test.each([
  [{ from: 22, to: 6 }, at(23), 0],
  [{ from: 22, to: 6 }, at(5, 59), 0],
  [{ from: 22, to: 6 }, at(6), 16],
  [{ from: 22, to: 6 }, at(21, 30), 0.5],
  [{ from: 1, to: 5 }, at(3), 0],
  [{ from: 1, to: 5 }, at(5), 20],
  [{ from: 1, to: 5 }, at(0, 15), 0.75],
])('%j at %s: %d hours to wait', (quiet, now, wait) => {
  expect(hours(untilQuiet(quiet, now))).toBe(wait);
});
