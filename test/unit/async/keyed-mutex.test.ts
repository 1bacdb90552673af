import { expect, test } from 'vitest';
import { KeyedMutex } from '../../../src/async/keyed-mutex.js';

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

test('tasks of one key run one after the other in order, those of another key in parallel', async () => {
  const turns = new KeyedMutex<string>();
  const seen: string[] = [];
  const { open, opened } = gate();
  const first = turns.run('a', async () => {
    await opened;
    seen.push('a1');
  });
  const second = turns.run('a', async () => {
    seen.push('a2');
  });
  await turns.run('b', async () => {
    seen.push('b');
  });
  expect(seen).toEqual(['b']);
  open();
  await Promise.all([first, second]);
  expect(seen).toEqual(['b', 'a1', 'a2']);
});

test('a failed task rejects its own call and stops no other', async () => {
  const turns = new KeyedMutex<string>();
  const failing = turns.run('a', async () => {
    throw new Error('broken');
  });
  const next = turns.run('a', async () => 'done');
  await expect(failing).rejects.toThrow('broken');
  await expect(next).resolves.toBe('done');
});
