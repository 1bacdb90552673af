import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { freePort } from '../../src/sandbox/ports.js';
import { cliFile } from '../../testkit/cli.js';
import { startFakeOrthanc } from '../../testkit/fake-orthanc.js';
import { fetchSigned } from '../../testkit/signed.js';
import { waitFor } from '../../testkit/wait-for.js';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Run {
  child: ChildProcess;
  get(path: string): Promise<Response>;
  metric(name: string): Promise<number>;
  /** Sends requests whose lines in the log are about 2 MB together. */
  flood(): Promise<void>;
  ended: Promise<unknown[]>;
}

/** Starts a service whose standard output is a pipe that is not read, or the file. */
async function run(stdout: 'pipe' | number): Promise<Run> {
  const orthanc = await startFakeOrthanc();
  const state = mkdtempSync(join(tmpdir(), 'plainview-log-'));
  const [port, secret] = [await freePort(), randomUUID()];
  const child = spawn(process.execPath, [cliFile, 'serve'], {
    env: {
      PATH: process.env.PATH ?? '',
      PLAINVIEW_ORTHANC_URL: orthanc.url,
      PLAINVIEW_PORT: String(port),
      PLAINVIEW_SECRET: secret,
      PLAINVIEW_STATE_DIR: state,
      PLAINVIEW_WORKERS: '1',
      PLAINVIEW_API_RATE: '100000',
      PLAINVIEW_SHUTDOWN_SECONDS: '2',
      PLAINVIEW_LOG_LEVEL: 'trace',
    },
    stdio: ['ignore', stdout, 'inherit'],
  });
  ends.push(
    () => orthanc.stop(),
    () => rmSync(state, { recursive: true, force: true }),
    () => child.kill('SIGKILL'),
  );
  const get = (path: string) =>
    fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(5000) });
  // Each id is in the audit trail, which the log has.
  const ids = Array.from({ length: 2000 }, (_, index) =>
    (index.toString(16).padStart(40, '0').match(/.{8}/g) ?? []).join('-'),
  );
  const flood = () =>
    fetchSigned(secret, `http://127.0.0.1:${port}/api/v1/requests`, {
      method: 'POST',
      body: JSON.stringify({ selection: { ids } }),
      signal: AbortSignal.timeout(5000),
    });
  await waitFor(async () => (await get('/health/ready').catch(() => undefined))?.ok === true, {
    what: 'readiness',
    timeout: 30_000,
  });
  return {
    child,
    get,
    flood: async () => {
      for (let sent = 0; sent < 20; sent++) expect((await flood()).status).toBe(202);
    },
    metric: async (name) => {
      const lines = (await (await get('/metrics')).text()).split('\n');
      return Number(lines.find((line) => line.startsWith(`${name} `))?.split(' ')[1]);
    },
    ended: once(child, 'exit'),
  };
}

const dropped = 'plainview_log_lines_dropped_total';

test('a reader that no longer reads stops neither the service nor its end; the lost lines are counted', async () => {
  const { child, get, metric, flood, ended } = await run('pipe');
  await flood();
  expect((await get('/health/live')).status).toBe(200);
  expect(await metric(dropped)).toBeGreaterThan(0);
  const began = performance.now();
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(performance.now() - began).toBeLessThan(5000);
}, 60_000);

test('once standard output takes lines again, the log says how many were lost', async () => {
  const { child, metric, flood, ended } = await run('pipe');
  await flood();
  const lost = await metric(dropped);
  if (child.stdout === null) throw new Error('no pipe');
  let read = '';
  const closed = once(child.stdout, 'close');
  child.stdout.on('data', (data) => {
    read += String(data);
  });
  await waitFor(() => read.includes('they are lost'), { what: 'the line about the lost lines' });
  child.kill('SIGTERM');
  await ended;
  await closed;
  const lines = read
    .trim()
    .split('\n')
    .map((line): { dropped?: number; msg: string } => JSON.parse(line));
  const told = lines.reduce((sum, line) => sum + (line.dropped ?? 0), 0);
  expect(told).toBe(lost);
  expect(lines.at(-1)?.msg).toBe('stopped');
}, 60_000);

test('a full disk behind standard output does not stop the service', async () => {
  const { child, get, metric, flood, ended } = await run(openSync('/dev/full', 'w'));
  await flood();
  expect((await get('/health/live')).status).toBe(200);
  expect(await metric(dropped)).toBeGreaterThan(0);
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
}, 60_000);

test('a reader that has closed standard output does not stop the service', async () => {
  const { child, get, flood, ended } = await run('pipe');
  child.stdout?.destroy();
  await flood();
  expect((await get('/health/live')).status).toBe(200);
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
}, 60_000);
