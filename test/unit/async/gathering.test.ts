import { expect, test, vi } from 'vitest';
import { Gathering } from '../../../src/async/gathering.js';

const never = 60_000;

test('those that come together are done in one run, which begins when the last one is there', async () => {
  const gathering = new Gathering<string, string>(never);
  const [a, b, other] = [gathering.comes('study'), gathering.comes('study'), gathering.comes('other')];
  const task = vi.fn(async () => 'done');
  const first = a.arrive(task);
  expect(task).not.toHaveBeenCalled();
  expect(await Promise.all([first, b.arrive(task)])).toEqual(['done', 'done']);
  expect(task).toHaveBeenCalledTimes(1);
  expect(await other.arrive(async () => 'of its own')).toBe('of its own');
});

test('one that does not come keeps nobody waiting, however often it says so', async () => {
  const gathering = new Gathering<string, number>(never);
  const [a, b, lost] = [gathering.comes('study'), gathering.comes('study'), gathering.comes('study')];
  const task = vi.fn(async () => 1);
  const both = [a.arrive(task), b.arrive(task)];
  lost.leave();
  lost.leave();
  expect(await Promise.all(both)).toEqual([1, 1]);
  a.leave();
  expect(task).toHaveBeenCalledTimes(1);
  // The next ones are apart from these.
  expect(await gathering.comes('study').arrive(async () => 2)).toBe(2);
});

test('whoever is on the way knows whether others are', () => {
  const gathering = new Gathering<string, number>(never);
  const a = gathering.comes('study');
  gathering.comes('other');
  expect(a.hasCompany()).toBe(false);
  const [b, c] = [gathering.comes('study'), gathering.comes('study')];
  void b.arrive(async () => 1);
  c.leave();
  expect(a.hasCompany()).toBe(true);
  a.leave();
  expect(gathering.comes('study').hasCompany()).toBe(false);
});

test('nobody waits longer than that for one that is slow, and that one is done too', async () => {
  const gathering = new Gathering<string, number>(1);
  const [quick, slow] = [gathering.comes('study'), gathering.comes('study')];
  let runs = 0;
  const task = async () => ++runs;
  expect(await quick.arrive(task)).toBe(1);
  expect(await slow.arrive(task)).toBe(2);
});

test('a failure is that of all that it was done for', async () => {
  const gathering = new Gathering<string, number>(never);
  const [a, b] = [gathering.comes('study'), gathering.comes('study')];
  const failing = async () => {
    throw new Error('conflict');
  };
  const results = await Promise.allSettled([a.arrive(failing), b.arrive(failing)]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  // Once it has arrived, a second try is its own.
  expect(await a.arrive(async () => 3)).toBe(3);
});
