import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createError, detailOf } from '../../../src/errors/errors.js';
import { Availability } from '../../../src/orthanc/availability.js';

/** As `sleep`, but on setTimeout: fake timers do not advance node:timers/promises. */
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

/** Orthanc answers while `answers` is true. */
async function started() {
  const orthanc = { answers: true };
  const checkHealth = vi.fn(async () => {
    if (!orthanc.answers) throw silence();
    return system;
  });
  const [changes, problems] = [[] as boolean[], [] as string[]];
  const availability = new Availability(checkHealth, 5000, sleep);
  availability.events.on('back', () => changes.push(true));
  availability.events.on('away', () => changes.push(false));
  availability.events.on('problem', ({ message }) => problems.push(message));
  ends.push(() => availability.stop());
  await availability.start(async () => undefined);
  checkHealth.mockClear();
  return { availability, orthanc, checkHealth, changes, problems };
}

test('a health check runs every few seconds; outage and return are each announced once', async () => {
  const { availability, orthanc, checkHealth, changes, problems } = await started();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(checkHealth.mock.calls.length).toBeGreaterThan(5);
  expect(checkHealth.mock.calls.length).toBeLessThan(20);
  orthanc.answers = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(availability.state).toEqual({
    answers: false,
    problem: silence().message,
    failure: detailOf(silence()),
  });
  await vi.advanceTimersByTimeAsync(600_000);
  expect(problems).toHaveLength(1);
  orthanc.answers = true;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(availability.state.answers).toBe(true);
  orthanc.answers = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(changes).toEqual([true, false, true, false]);
});

test('a time-out concerns only its own call, unless Orthanc does not answer at all', async () => {
  const { availability, orthanc } = await started();
  expect(await availability.isAway(silence())).toBe(false);
  orthanc.answers = false;
  expect(await availability.isAway(silence())).toBe(true);
  expect(availability.state.answers).toBe(false);
});

test('after the stop there is no health check and no event, and interrupted jobs wait', async () => {
  const { availability, orthanc, checkHealth, problems } = await started();
  availability.stop();
  orthanc.answers = false;
  expect(
    await availability.isAway(createError('orthanc_unreachable', { url: '', why: 'Plainview stops' })),
  ).toBe(true);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(checkHealth).not.toHaveBeenCalled();
  expect(problems).toEqual([]);
});

test('while the preparation fails, Orthanc still counts as away', async () => {
  const { availability, orthanc, changes } = await started();
  orthanc.answers = false;
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
