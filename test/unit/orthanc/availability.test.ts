import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createError } from '../../../src/errors/errors.js';
import { Availability } from '../../../src/orthanc/availability.js';

// The timers that return promises are none that can be wound on.
vi.mock('../../../src/async/sleep.js', () => ({
  sleep: (ms: number, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake);
        resolve();
      };
      setTimeout(wake, ms);
      signal.addEventListener('abort', wake);
    }),
}));

const silence = () => createError('orthanc_timeout', { what: 'GET /system', ms: 5000 });
const ends: (() => void)[] = [];

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  for (const end of ends.splice(0)) end();
  vi.useRealTimers();
});

/** Orthanc lives until it is told otherwise. */
async function started() {
  const orthanc = { lives: true };
  const say = async () => {
    if (!orthanc.lives) throw silence();
    return '1.12.7';
  };
  const [answers, onChange, warnings] = [vi.fn(say), vi.fn(), [] as string[]];
  const log = pino({ level: 'warn' }, { write: (line) => warnings.push(line) });
  const availability = new Availability({ probe: say, answers, onChange, log });
  ends.push(() => availability.end());
  await availability.start();
  return { availability, orthanc, answers, onChange, warnings };
}

test('Orthanc is asked every few seconds; its silence is told once, and so is its return', async () => {
  const { availability, orthanc, answers, onChange, warnings } = await started();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(answers.mock.calls.length).toBeGreaterThan(5);
  expect(answers.mock.calls.length).toBeLessThan(20);
  orthanc.lives = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(availability.state).toEqual({ answers: false, problem: silence().message });
  await vi.advanceTimersByTimeAsync(600_000);
  expect(warnings).toHaveLength(1);
  orthanc.lives = true;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(availability.state.answers).toBe(true);
  orthanc.lives = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(onChange.mock.calls.flat()).toEqual([true, false, true, false]);
});

test('a call that ran out of time is that call alone, unless Orthanc is silent altogether', async () => {
  const { availability, orthanc } = await started();
  expect(await availability.lost(silence())).toBe(false);
  orthanc.lives = false;
  expect(await availability.lost(silence())).toBe(true);
  expect(availability.state.answers).toBe(false);
});

test('after the end nothing is asked or told, and what was given up waits', async () => {
  const { availability, orthanc, answers, warnings } = await started();
  availability.end();
  orthanc.lives = false;
  expect(
    await availability.lost(createError('orthanc_unreachable', { url: '', why: 'Plainview stops' })),
  ).toBe(true);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(answers).not.toHaveBeenCalled();
  expect(warnings).toEqual([]);
});
