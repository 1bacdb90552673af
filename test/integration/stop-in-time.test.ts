import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { freePort } from '../../src/sandbox/ports.js';
import { cliFile } from '../../testkit/cli.js';
import { image } from '../../testkit/dicom.js';
import { startFakeOrthanc } from '../../testkit/fake-orthanc.js';
import { waitFor } from '../../testkit/wait-for.js';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** What hangs takes longer: two minutes for a picture, or for ever. A busy machine takes up to 40 s. */
const mostMs = 60_000;

/** A service that ends within 2 seconds of a SIGTERM, and its Orthanc. @param hanging file of the state that cannot be read */
async function serve({ hanging }: { hanging?: string } = {}) {
  const orthanc = await startFakeOrthanc();
  const state = mkdtempSync(join(tmpdir(), 'plainview-stop-'));
  if (hanging !== undefined) makePipe(join(state, hanging));
  const port = await freePort();
  const child = spawn(process.execPath, [cliFile, 'serve'], {
    env: {
      PATH: process.env.PATH ?? '',
      PLAINVIEW_ORTHANC_URL: orthanc.url,
      PLAINVIEW_PORT: String(port),
      PLAINVIEW_SECRET: 'a secret of this test alone',
      PLAINVIEW_STATE_DIR: state,
      PLAINVIEW_WORKERS: '1',
      PLAINVIEW_CHANGES_POLL_MS: '100',
      PLAINVIEW_SHUTDOWN_SECONDS: '2',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  ends.push(
    () => rmSync(state, { recursive: true, force: true }),
    () => orthanc.stop(),
    () => child.kill('SIGKILL'),
  );
  const ready = () =>
    waitFor(
      async () => (await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined))?.ok === true,
      { what: 'readiness', timeout: 60_000 },
    );
  return { orthanc, child, port, state, ready, ended: once(child, 'exit') };
}

/** Whoever opens it waits for another one, as for a file server that does not answer. */
const makePipe = (path: string) => execFileSync('mkfifo', [path]);

/** Waits until a process has opened the pipe to read. From then on it waits for what is never written. */
async function hold(pipe: string): Promise<void> {
  const open = () => {
    try {
      return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch {
      return undefined; // Nobody reads it yet.
    }
  };
  const held = await waitFor(open, { what: `a reader of ${pipe}` });
  ends.push(() => closeSync(held));
}

/** Without one that has not begun its own program yet: until it does, whoever starts it waits. */
const childrenOf = ({ pid }: ChildProcess): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter((child) => child !== '' && readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('worker'))
    .map(Number);

const hasEnded = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return true;
  }
};

/** Stops a process, as native code that does not end does. */
function freeze(pids: readonly number[]): void {
  for (const pid of pids) {
    process.kill(pid, 'SIGSTOP');
    ends.push(() => {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended with its parent.
      }
    });
  }
}

test('a stop does not wait for a picture that hangs a process', { timeout: 150_000 }, async () => {
  const { orthanc, child, port, state, ready, ended } = await serve();
  await ready();
  freeze(childrenOf(child));
  orthanc.store(image());
  const isInWork = () => readFileSync(join(state, 'in-work.json'), 'utf8').includes('-');
  await waitFor(isInWork, { what: 'the picture in work', timeout: 20_000 });
  const rendered = () => orthanc.calls.some(({ path }) => path.endsWith('/rendered'));
  await waitFor(rendered, { what: 'the rendering', timeout: 20_000 });
  const began = performance.now();
  child.kill('SIGTERM');
  await ended;
  expect(performance.now() - began).toBeLessThan(mostMs);
  expect(port).toBeGreaterThan(0);
});

test('a stop does not wait for a network that does not load', { timeout: 150_000 }, async () => {
  const { child, ended } = await serve();
  const loading = await waitFor(() => childrenOf(child).length > 0 && childrenOf(child), {
    what: 'a process that loads the network',
    everyMs: 1,
  });
  freeze(loading);
  const began = performance.now();
  child.kill('SIGTERM');
  await ended;
  expect(performance.now() - began).toBeLessThan(mostMs);
});

test('a stop ends also where the state folder cannot be written', { timeout: 150_000 }, async () => {
  const { child, state, ready, ended } = await serve();
  await ready();
  // In the place of the files that are written first, so that root cannot write them either.
  for (const name of ['in-work.json', 'changes.json', 'statistics.json'])
    mkdirSync(join(state, `${name}.part`));
  const began = performance.now();
  child.kill('SIGTERM');
  await ended;
  expect(performance.now() - began).toBeLessThan(mostMs);
});

test('a stop ends also where the state folder no longer answers', { timeout: 150_000 }, async () => {
  const { orthanc, child, state, ready, ended } = await serve();
  await ready();
  makePipe(join(state, 'changes.json.part'));
  orthanc.store(image());
  const rendered = () => orthanc.calls.some(({ path }) => path.endsWith('/rendered'));
  await waitFor(rendered, { what: 'the rendering', timeout: 20_000 });
  const children = childrenOf(child);
  const began = performance.now();
  child.kill('SIGTERM');
  await ended;
  expect(performance.now() - began).toBeLessThan(mostMs);
  await waitFor(() => children.every(hasEnded), { what: 'the end of the processes that classify' });
});

test.each(['chosen-network.json', 'changes.json'])(
  'a stop ends also during a start for which the state folder does not answer (%s)',
  { timeout: 150_000 },
  async (hanging) => {
    const { child, state, ended } = await serve({ hanging });
    await hold(join(state, hanging));
    const began = performance.now();
    child.kill('SIGTERM');
    await ended;
    expect(performance.now() - began).toBeLessThan(mostMs);
  },
);
