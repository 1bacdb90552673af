import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { InWork } from '../../../src/store/in-work.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'in-work-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Begins work that does not end: the process does. */
async function begin(work: InWork, key: string): Promise<void> {
  void work.run(key, () => new Promise<never>(() => {}));
  await new Promise(setImmediate);
}
const done = async () => 'done';
const started = () => new InWork(folder, 0);

test('what was in work at two ends is not worked on again; what was beside it once is', async () => {
  const first = started();
  await begin(first, 'culprit');
  await begin(first, 'beside');
  const second = started();
  expect(await second.run('beside', done)).toBe('done');
  await begin(second, 'culprit');
  const third = started();
  await expect(third.run('culprit', done)).rejects.toMatchObject({
    code: 'work_ends_service',
    transient: false,
  });
  expect(await third.run('beside', done)).toBe('done');
  await expect(started().run('culprit', done)).rejects.toMatchObject({ code: 'work_ends_service' });
});

test('work that ends clears itself, by a failure too', async () => {
  const first = started();
  await begin(first, 'a');
  const failing = started().run('a', () => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  await begin(started(), 'a');
  expect(await started().run('a', done)).toBe('done');
});

test('after an end, what was in work runs alone, and only after a while', async () => {
  await begin(started(), 'suspect');
  const next = new InWork(folder, 60_000);
  expect(next.pauseMs('suspect')).toBeGreaterThan(50_000);
  expect(next.pauseMs('other')).toBe(0);
  let release = () => {};
  const held = next.run('other', () => new Promise<void>((resolve) => (release = resolve)));
  const order: string[] = [];
  const suspect = next.run('suspect', async () => void order.push('suspect'));
  const late = next.run('late', async () => void order.push('late'));
  await new Promise(setImmediate);
  expect(order).toEqual([]);
  release();
  await Promise.all([held, suspect, late]);
  expect(order).toEqual(['suspect', 'late']);
});

test('a stop tells the reason: what it interrupts is under no suspicion', async () => {
  for (let start = 0; start < 3; start++) {
    const service = started();
    await begin(service, 'slow');
    service.stop();
  }
  expect(await started().run('slow', done)).toBe('done');
});

test('a shorter list of what is in work leaves nothing of a longer one', async () => {
  const first = started();
  const many = Array.from({ length: 50 }, (_, n) => `picture ${n}`);
  const ends = many.map(async (key) => first.run(key, done));
  await begin(first, 'culprit');
  await Promise.all(ends);
  await begin(started(), 'culprit');
  const third = started();
  await expect(third.run('culprit', done)).rejects.toMatchObject({ code: 'work_ends_service' });
  for (const key of many) expect(await third.run(key, done)).toBe('done');
});

test('a file that somebody removes is there again with the next work', async () => {
  const first = started();
  rmSync(join(folder, 'in-work.json'));
  expect(await first.run('a', done)).toBe('done');
  await begin(first, 'b');
  await begin(started(), 'b');
  await expect(started().run('b', done)).rejects.toMatchObject({ code: 'work_ends_service' });
});
