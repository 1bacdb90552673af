import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Monitor } from '../../../src/app/monitor.js';
import { StateProbe } from '../../../src/store/state-probe.js';
import { waitFor } from '../../../testkit/wait-for.js';

const log = pino({ level: 'silent' });

/** A monitor whose second write into the state lasts until it is told to end. */
async function monitorWhileWriting() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  let begun = 0;
  let ended = 0;
  const write = async () => {
    if (++begun > 1) await promise;
    ended++;
  };
  const probe = new StateProbe({ write }, 'the state');
  const monitor = new Monitor({ probe, measureLag: async () => undefined, intervalMs: 1, log });
  await monitor.start();
  await waitFor(() => begun === 2);
  return { monitor, endWrite: () => resolve(), ended: () => ended };
}

test('after a stop, the state is written no more', async () => {
  const { monitor, endWrite, ended } = await monitorWhileWriting();
  const stopped = monitor.stop(new AbortController().signal).then(ended);
  await new Promise(setImmediate);
  endWrite();
  expect(await stopped).toBe(2);
});

test('a write that hangs delays a stop no longer than until its deadline', async () => {
  const { monitor, ended } = await monitorWhileWriting();
  await monitor.stop(AbortSignal.abort());
  expect(ended()).toBe(1);
});
