import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createError } from '../../../src/errors/errors.js';
import { Availability } from '../../../src/orthanc/availability.js';

/** Timers that return promises cannot be advanced by hand. */
const sleep = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const wake = () => {
      signal.removeEventListener('abort', wake);
      resolve();
    };
    setTimeout(wake, ms);
    signal.addEventListener('abort', wake);
  });

const silence = () => createError('orthanc_timeout', { what: 'GET /system', ms: 5000 });
const ends: (() => void)[] = [];

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  for (const end of ends.splice(0)) end();
  vi.useRealTimers();
});

const system = {
  Version: '1.12.7',
  HasLabels: true,
  UserMetadata: {},
  ReadOnly: false,
  OverwriteInstances: false,
};

/** Orthanc answers until `lives` is false. */
async function started() {
  const orthanc = { lives: true };
  const ask = vi.fn(async () => {
    if (!orthanc.lives) throw silence();
    return system;
  });
  const [changes, problems] = [[] as boolean[], [] as string[]];
  const availability = new Availability(ask, 5000, sleep);
  availability.events.on('back', () => changes.push(true));
  availability.events.on('away', () => changes.push(false));
  availability.events.on('problem', ({ message }) => problems.push(message));
  ends.push(() => availability.stop());
  await availability.start(async () => undefined);
  ask.mockClear();
  return { availability, orthanc, ask, changes, problems };
}

test('Orthanc is asked every few seconds; its silence is told once, and so is its return', async () => {
  const { availability, orthanc, ask, changes, problems } = await started();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(ask.mock.calls.length).toBeGreaterThan(5);
  expect(ask.mock.calls.length).toBeLessThan(20);
  orthanc.lives = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(availability.state).toEqual({ answers: false, problem: silence().message });
  await vi.advanceTimersByTimeAsync(600_000);
  expect(problems).toHaveLength(1);
  orthanc.lives = true;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(availability.state.answers).toBe(true);
  orthanc.lives = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(changes).toEqual([true, false, true, false]);
});

test('a call that ran out of time is that call alone, unless Orthanc is silent altogether', async () => {
  const { availability, orthanc } = await started();
  expect(await availability.isAway(silence())).toBe(false);
  orthanc.lives = false;
  expect(await availability.isAway(silence())).toBe(true);
  expect(availability.state.answers).toBe(false);
});

test('after the end nothing is asked or told, and what was given up waits', async () => {
  const { availability, orthanc, ask, problems } = await started();
  availability.stop();
  orthanc.lives = false;
  expect(
    await availability.isAway(createError('orthanc_unreachable', { url: '', why: 'Plainview stops' })),
  ).toBe(true);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(ask).not.toHaveBeenCalled();
  expect(problems).toEqual([]);
});

test('what must be done before work goes on is part of the return: where it fails, Orthanc still counts as away', async () => {
  const { availability, orthanc, changes } = await started();
  orthanc.lives = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(changes).toEqual([true, false]);
  const again = new Availability(async () => system, 5000, sleep);
  ends.push(() => again.stop());
  let tries = 0;
  const ready = again.start(async () => {
    if (++tries < 3) throw silence();
  });
  await vi.advanceTimersByTimeAsync(60_000);
  await ready;
  expect(tries).toBe(3);
  expect(availability.state.answers).toBe(false);
  expect(again.state.answers).toBe(true);
});
