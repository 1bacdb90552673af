import { expect, test, vi } from 'vitest';
import { SingleFlight } from '../../../src/async/single-flight.js';

/** A task whose runs the test ends. */
function held() {
  let active = 0;
  const ends: (() => void)[] = [];
  const runs = { begun: 0, mostAtOnce: 0 };
  const task = async () => {
    runs.begun++;
    runs.mostAtOnce = Math.max(runs.mostAtOnce, ++active);
    await new Promise<void>((resolve) => ends.push(resolve));
    active--;
  };
  const end = async () => {
    await vi.waitUntil(() => ends.length > 0);
    ends.shift()?.();
  };
  return { task, end, runs };
}

test('all calls during a run share one next run', async () => {
  const { task, end, runs } = held();
  const study = new SingleFlight<string>();
  const asked = Array.from({ length: 100 }, () => study.run('study', task));
  await end();
  await end();
  await Promise.all(asked);
  expect(runs).toEqual({ begun: 2, mostAtOnce: 1 });
});

test('two runs of one key never overlap, also for a call between them', async () => {
  const { task, end, runs } = held();
  const study = new SingleFlight<string>();
  const first = study.run('study', task);
  const second = study.run('study', task);
  const third = first.then(() => study.run('study', task));
  const fourth = Promise.resolve(first).then(() => Promise.resolve().then(() => study.run('study', task)));
  for (let run = 0; run < 2; run++) await end();
  const late = Promise.all([first, second, third, fourth]);
  let done = false;
  void late.then(() => {
    done = true;
  });
  while (!done) {
    await Promise.race([end(), late]);
  }
  expect(runs.mostAtOnce).toBe(1);
});

test('different keys run in parallel', async () => {
  const { task, end, runs } = held();
  const studies = new SingleFlight<string>();
  const both = Promise.all([studies.run('a', task), studies.run('b', task)]);
  await vi.waitUntil(() => runs.begun === 2);
  await end();
  await end();
  await both;
  expect(runs.mostAtOnce).toBe(2);
});

test('a failed run rejects its own calls, and the next run still starts', async () => {
  const study = new SingleFlight<string>();
  let run = 0;
  const task = async () => {
    if (run++ === 0) throw new Error('first');
  };
  const [first, second] = await Promise.allSettled([study.run('s', task), study.run('s', task)]);
  expect([first.status, second.status]).toEqual(['rejected', 'fulfilled']);
});
