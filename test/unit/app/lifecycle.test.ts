import { expect, test } from 'vitest';
import { Lifecycle, type Part } from '../../../src/app/lifecycle.js';

const open = new AbortController().signal;

/** Parts that record their calls. */
function recorded(
  names: readonly string[],
  faults: Partial<Record<string, 'start' | 'resume' | 'stop'>> = {},
) {
  const events: string[] = [];
  const parts = names.map((name): Part => {
    const note = (what: string) => async () => {
      events.push(`${what} ${name}`);
      if (faults[name] === what) throw new Error(`${name} failed`);
    };
    return {
      start: note('start'),
      resume: note('resume'),
      pause: () => events.push(`pause ${name}`),
      stop: note('stop'),
    };
  });
  return { events, lifecycle: new Lifecycle(parts) };
}

test('parts start and resume in order, and pause and stop in reverse order', async () => {
  const { events, lifecycle } = recorded(['a', 'b']);
  await lifecycle.start();
  await lifecycle.resume();
  lifecycle.pause();
  await lifecycle.stop(open);
  expect(events).toEqual([
    'start a',
    'start b',
    'resume a',
    'resume b',
    'pause b',
    'pause a',
    'stop b',
    'stop a',
  ]);
});

test('a part starts after the part before it has started, and stops after the part behind it has stopped', async () => {
  const events: string[] = [];
  const slow = (name: string) => ({
    start: async () => {
      await new Promise(setImmediate);
      events.push(`started ${name}`);
    },
    stop: async () => {
      await new Promise(setImmediate);
      events.push(`stopped ${name}`);
    },
  });
  const lifecycle = new Lifecycle([slow('a'), { start: () => events.push('start b') }, slow('c')]);
  await lifecycle.start();
  await lifecycle.stop(open);
  expect(events).toEqual(['started a', 'start b', 'started c', 'stopped c', 'stopped a']);
});

test('stops the parts that were started, including the one that failed to start', async () => {
  const { events, lifecycle } = recorded(['a', 'b', 'c'], { b: 'start' });
  await expect(lifecycle.start()).rejects.toThrow('b failed');
  await lifecycle.stop(open);
  expect(events).toEqual(['start a', 'start b', 'stop b', 'stop a']);
});

test('if a part cannot resume, all parts pause, and the error is thrown', async () => {
  const { events, lifecycle } = recorded(['a', 'b', 'c'], { b: 'resume' });
  await lifecycle.start();
  events.splice(0);
  await expect(lifecycle.resume()).rejects.toThrow('b failed');
  expect(events).toEqual(['resume a', 'resume b', 'pause c', 'pause b', 'pause a']);
});

test('if a part cannot stop, all others do, and the error is thrown', async () => {
  const { events, lifecycle } = recorded(['a', 'b', 'c'], { b: 'stop' });
  await lifecycle.start();
  events.splice(0);
  await expect(lifecycle.stop(open)).rejects.toThrow('b failed');
  expect(events).toEqual(['stop c', 'stop b', 'stop a']);
});

test('a second stop does nothing', async () => {
  const { events, lifecycle } = recorded(['a']);
  await lifecycle.start();
  await lifecycle.stop(open);
  await lifecycle.stop(open);
  expect(events).toEqual(['start a', 'stop a']);
});

test('a stop ends a resumption after the part that resumes, and waits for it', async () => {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  const events: string[] = [];
  const lifecycle = new Lifecycle([
    {
      resume: async () => {
        await promise;
        events.push('resumed a');
      },
      stop: () => events.push('stop a'),
    },
    { resume: () => events.push('resume b'), stop: () => events.push('stop b') },
  ]);
  await lifecycle.start();
  const resuming = lifecycle.resume();
  const stopping = lifecycle.stop(open);
  await new Promise(setImmediate);
  expect(events).toEqual([]);
  resolve();
  await Promise.all([resuming, stopping]);
  expect(events).toEqual(['resumed a', 'stop b', 'stop a']);
});

test('a stop waits for a resumption no longer than until its deadline', async () => {
  const events: string[] = [];
  const lifecycle = new Lifecycle([
    { resume: () => new Promise(() => undefined), stop: () => events.push('stop a') },
  ]);
  await lifecycle.start();
  void lifecycle.resume();
  await lifecycle.stop(AbortSignal.abort());
  expect(events).toEqual(['stop a']);
});
