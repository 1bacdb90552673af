import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SweepSchedule } from '../../../src/intake/sweep-schedule.js';
import { FolderStore } from '../../../src/store/folder-store.js';
import { silent } from '../../../testkit/fake-site.js';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
let folder: string;
let begun: string[];
const running: SweepSchedule[] = [];

beforeEach(() => {
  vi.stubEnv('TZ', 'Europe/Berlin');
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] });
  folder = mkdtempSync(join(tmpdir(), 'plainview-schedule-'));
  begun = [];
});
afterEach(async () => {
  await stop();
  vi.useRealTimers();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

async function start(expression = '30 2 * * 0'): Promise<void> {
  const store = new FolderStore(folder);
  const schedule = await SweepSchedule.open(expression, store, () => begun.push(local()), silent);
  running.push(schedule);
  schedule.resume();
}

async function stop(): Promise<void> {
  for (const schedule of running.splice(0)) await schedule.stop();
}

const local = () => {
  const now = new Date();
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(now.getDate())}.${two(now.getMonth() + 1)}. ${two(now.getHours())}:${two(now.getMinutes())}`;
};

const clock = (text: string) => vi.setSystemTime(new Date(text));
const pass = (ms: number) => vi.advanceTimersByTime(ms);

test('a sweep begins once in its minute', async () => {
  clock('2026-06-06T12:00:00+02:00');
  await start();
  pass(7 * day);
  expect(begun).toEqual(['07.06. 02:30']);
});

test('in the hour that daylight saving removes, the sweep begins as soon as the hour is over', async () => {
  clock('2026-03-28T12:00:00+01:00');
  await start();
  pass(7 * day);
  expect(begun).toEqual(['29.03. 03:00']);
});

test('in the hour that daylight saving doubles, the sweep begins once', async () => {
  clock('2026-10-24T12:00:00+02:00');
  await start();
  pass(7 * day);
  expect(begun).toEqual(['25.10. 02:30']);
});

test.each([
  ['minutes', '2026-06-07T02:29:00+02:00', '2026-06-07T02:41:00+02:00', '07.06. 02:41'],
  ['days', '2026-06-06T12:00:00+02:00', '2026-06-17T15:10:00+02:00', '17.06. 15:10'],
])('after a sleep of %s a sweep that was due begins late, once', async (_what, asleep, awake, at) => {
  clock(asleep);
  await start();
  clock(awake);
  pass(hour);
  expect(begun).toEqual([at]);
});

test('a sweep that was due while the service was not running begins late, once, after any number of restarts', async () => {
  clock('2026-06-06T12:00:00+02:00');
  await start();
  await stop();
  clock('2026-06-10T08:00:00+02:00');
  await start();
  expect(begun).toEqual(['10.06. 08:00']);
  await stop();
  await start();
  pass(hour);
  expect(begun).toHaveLength(1);
});

test('a restart in the minute of a sweep does not begin it again', async () => {
  clock('2026-06-07T02:29:50+02:00');
  await start();
  pass(20_000);
  await stop();
  await start();
  pass(2 * minute);
  expect(begun).toEqual(['07.06. 02:30']);
});

test('a clock that is set back does not begin a sweep twice, and the next one begins in time', async () => {
  clock('2026-06-07T02:29:00+02:00');
  await start();
  pass(10 * minute);
  clock('2026-06-07T00:35:00+02:00');
  pass(6 * day);
  expect(begun).toEqual(['07.06. 02:30']);
  pass(2 * day);
  expect(begun).toEqual(['07.06. 02:30', '14.06. 02:30']);
});

test('a clock that was a year ahead does not keep sweeps away for a year', async () => {
  clock('2027-06-06T12:00:00+02:00');
  await start();
  pass(day);
  clock('2026-06-06T12:00:00+02:00');
  pass(2 * day);
  expect(begun).toEqual(['07.06. 02:30']);
});

test('a first start, another expression and a damaged file begin nothing at once', async () => {
  clock('2026-06-10T08:00:00+02:00');
  await start();
  await stop();
  clock('2026-06-20T08:00:00+02:00');
  await start('0 3 * * *');
  await stop();
  writeFileSync(join(folder, 'sweep-schedule.json'), '{');
  await start('0 3 * * *');
  expect(begun).toEqual([]);
});

test('an expression with seconds is kept to the minute', async () => {
  clock('2026-06-06T12:00:00+02:00');
  await start('15 30 2 * * 0');
  pass(day);
  expect(begun).toEqual(['07.06. 02:30']);
});
