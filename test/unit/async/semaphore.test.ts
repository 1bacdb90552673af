import { expect, test } from 'vitest';
import { Semaphore } from '../../../src/async/semaphore.js';

/** Named tasks that the test ends. */
function held() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const task = (name: string) => () => {
    begun.push(name);
    return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
  };
  return { begun, task, end: (name: string) => ends.get(name)?.() };
}

test('a limited number runs at a time, the others start in the order of the calls', async () => {
  const semaphore = new Semaphore({ maxRunning: 2, maxWaiting: 5 });
  const { begun, task, end } = held();
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => semaphore.run(task(name)));
  expect(begun).toEqual(['a', 'b']);
  end('b');
  expect(await b).toBe('b');
  expect(begun).toEqual(['a', 'b', 'c']);
  end('a');
  await a;
  expect(begun).toEqual(['a', 'b', 'c', 'd']);
  for (const name of ['c', 'd']) end(name);
  expect(await Promise.all([c, d])).toEqual(['c', 'd']);
});

test('where the maximum waits already, the next call is refused; once there is room, a call is accepted', async () => {
  const semaphore = new Semaphore({ maxRunning: 1, maxWaiting: 1 });
  const { begun, task, end } = held();
  const [first, second] = ['first', 'second'].map((name) => semaphore.run(task(name)));
  await expect(semaphore.run(task('third'))).rejects.toMatchObject({ code: 'busy' });
  end('first');
  await first;
  const third = semaphore.run(task('third'));
  expect(begun).toEqual(['first', 'second']);
  end('second');
  await second;
  end('third');
  expect(await third).toBe('third');
});

test('a failed task frees its place', async () => {
  const semaphore = new Semaphore({ maxRunning: 1, maxWaiting: 0 });
  await expect(semaphore.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await semaphore.run(async () => 'yes')).toBe('yes');
});

test('a task may count as several; one that counts as more than the limit runs alone', async () => {
  const semaphore = new Semaphore({ maxRunning: 10 });
  const { begun, task, end } = held();
  const run = (name: string, counts: number) => semaphore.run(task(name), counts);
  const all = [run('a', 6), run('b', 4), run('large', 99), run('c', 1)];
  expect(begun).toEqual(['a', 'b']);
  end('b');
  await all[1];
  expect(begun).toEqual(['a', 'b']);
  end('a');
  await all[0];
  expect(begun).toEqual(['a', 'b', 'large']);
  end('large');
  await all[2];
  expect(begun).toEqual(['a', 'b', 'large', 'c']);
  end('c');
  await all[3];
});
