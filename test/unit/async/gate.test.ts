import { expect, test } from 'vitest';
import { Gate } from '../../../src/async/gate.js';

/** Named tasks that the test ends. */
function held() {
  const gate = new Gate();
  const running = new Set<string>();
  const ends = new Map<string, () => void>();
  const run = (name: string, entry: 'together' | 'alone') =>
    gate.run(entry, async () => {
      running.add(name);
      await new Promise<void>((resolve) => ends.set(name, resolve));
      running.delete(name);
    });
  const end = async (name: string) => {
    ends.get(name)?.();
    await new Promise(setImmediate);
  };
  return { gate, running: () => [...running], run, end };
}

test('tasks run together; one that must be alone waits for them, and those that come later wait for it', async () => {
  const { running, run, end } = held();
  void run('a', 'together');
  void run('b', 'together');
  void run('alone', 'alone');
  void run('late', 'together');
  await end('');
  expect(running()).toEqual(['a', 'b']);
  await end('a');
  expect(running()).toEqual(['b']);
  await end('b');
  expect(running()).toEqual(['alone']);
  await end('alone');
  expect(running()).toEqual(['late']);
});

test('a task that fails leaves too', async () => {
  const { gate } = held();
  const failing = gate.run('alone', async () => {
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(await gate.run('alone', async () => 'next')).toBe('next');
});

test('who was alone can let others in and stay with them', async () => {
  const { gate, running, run, end } = held();
  const leave = await gate.enter('alone');
  void run('together', 'together');
  void run('alone', 'alone');
  await end('');
  expect(running()).toEqual([]);
  leave('together');
  await end('');
  expect(running()).toEqual(['together']);
  await end('together');
  expect(running()).toEqual([]);
  leave();
  await end('');
  expect(running()).toEqual(['alone']);
});
