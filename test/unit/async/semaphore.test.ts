import { expect, test } from 'vitest';
import { Semaphore } from '../../../src/async/semaphore.js';

/** Tasks that end when the test says so, each by its name. */
function held() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const task = (name: string) => () => {
    begun.push(name);
    return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
  };
  return { begun, task, end: (name: string) => ends.get(name)?.() };
}

test('so many are under way at a time, the others in the order in which they came', async () => {
  const slots = new Semaphore({ most: 2, mostWaiting: 5 });
  const { begun, task, end } = held();
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => slots.run(task(name)));
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

test('where as many wait as may, the next is refused, and taken once there is room', async () => {
  const slots = new Semaphore({ most: 1, mostWaiting: 1 });
  const { begun, task, end } = held();
  const [first, second] = ['first', 'second'].map((name) => slots.run(task(name)));
  await expect(slots.run(task('third'))).rejects.toMatchObject({ code: 'busy' });
  end('first');
  await first;
  const third = slots.run(task('third'));
  expect(begun).toEqual(['first', 'second']);
  end('second');
  await second;
  end('third');
  expect(await third).toBe('third');
});

test('one that fails makes room like any other', async () => {
  const slots = new Semaphore({ most: 1, mostWaiting: 0 });
  await expect(slots.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await slots.run(async () => 'yes')).toBe('yes');
});
