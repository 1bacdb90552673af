import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { getPriority, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { shipped } from '../../src/files/places.js';
import { serve } from '../../testkit/cli.js';
import { image } from '../../testkit/dicom.js';
import { startFaultyProxy } from '../../testkit/faulty-proxy.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { hookAddress, Reader } from '../../testkit/service.js';

const hook = await hookAddress();
const real = useOrthanc({ hook });
const stateDir = mkdtempSync(join(tmpdir(), 'plainview-state-'));
afterAll(() => rmSync(stateDir, { recursive: true, force: true }));

const start = (env: Record<string, string> = {}) => serve({ orthanc: real.orthanc.url, hook, stateDir }, env);

test('a stop completes the jobs in progress, and the next start does the waiting ones', async () => {
  const first = start({ PLAINVIEW_CONCURRENCY: '1' });
  await waitFor(() => first.out().includes('Orthanc answers'));
  const stored = await Promise.all(Array.from({ length: 20 }, () => real.storeInstance(image())));
  await waitFor(() => first.out().includes('"decided"'));
  first.child.kill('SIGTERM');
  expect(await first.ended).toBe(0);
  const stopped = JSON.parse(first.out().trim().split('\n').at(-1) ?? '') as {
    msg: string;
    givenBack: number;
  };
  expect(stopped.msg).toBe('stopped');
  expect(stopped.givenBack).toBeGreaterThan(0);

  const reader = new Reader(real.orthanc.url);
  const second = start();
  for (const { orthancId } of stored) await reader.decided(orthancId);
  for (const { orthancId, study } of stored)
    expect(await reader.labels(`studies/${study}`)).toEqual(await reader.labels(`instances/${orthancId}`));
  second.child.kill('SIGTERM');
  expect(await second.ended).toBe(0);
});

test('a service that was started with a lower priority than PLAINVIEW_NICE keeps it: only root could raise it', async () => {
  const run = start();
  const pid = Number(run.child.pid);
  setPriority(pid, 15);
  await waitFor(() => run.out().includes('Orthanc answers'));
  expect(getPriority(pid)).toBe(15);
  run.child.kill('SIGTERM');
  expect(await run.ended).toBe(0);
});

test('a second SIGTERM does not cut off a stop', async () => {
  const proxy = await startFaultyProxy(real.orthanc.url);
  const run = serve({ orthanc: proxy.url, hook, stateDir }, { PLAINVIEW_SHUTDOWN_SECONDS: '2' });
  await waitFor(() => run.out().includes('Orthanc answers'));
  const { orthancId } = await real.storeInstance(image());
  await new Reader(real.orthanc.url).decided(orthancId);
  proxy.decide = () => () => new Promise(() => undefined);
  const before = proxy.calls.length;
  await real.storeInstance(image());
  await waitFor(() => proxy.calls.length > before);
  run.child.kill('SIGTERM');
  await waitFor(() => run.out().includes('"stopping"'));
  run.child.kill('SIGTERM');
  expect(await run.ended).toBe(0);
  await proxy.stop();
});

test('a kill during work loses nothing either', async () => {
  const first = start({ PLAINVIEW_CONCURRENCY: '2' });
  await waitFor(() => first.out().includes('Orthanc answers'));
  const stored = await Promise.all(Array.from({ length: 20 }, () => real.storeInstance(image())));
  await waitFor(() => first.out().includes('"decided"'));
  first.child.kill('SIGKILL');
  await first.ended;
  const second = start();
  const reader = new Reader(real.orthanc.url);
  for (const { orthancId, study } of stored) {
    await reader.decided(orthancId);
    expect(await reader.labels(`studies/${study}`)).toEqual(await reader.labels(`instances/${orthancId}`));
  }
  second.child.kill('SIGTERM');
  await second.ended;
});

test('health and metrics name the commit that was built, and the log has levels as words where asked', async () => {
  const { commit } = JSON.parse(readFileSync(shipped('dist', 'build.json'), 'utf8')) as { commit: string };
  expect(commit).toMatch(/^[0-9a-f]{12}(-dirty)?$/);
  const run = start({ PLAINVIEW_LOG_LEVEL_FORM: 'word' });
  await waitFor(() => run.out().includes('Orthanc answers'));
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${hook.port}${path}`)).text();
  for (const path of ['/health/live', '/health/ready']) expect(await get(path)).toContain(`"${commit}"`);
  expect(await get('/metrics')).toContain(`commit="${commit}"`);
  run.child.kill('SIGTERM');
  await run.ended;
  const levels = run
    .out()
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { level: unknown }).level);
  expect(levels).toContain('info');
  expect(levels.filter((level) => typeof level !== 'string')).toEqual([]);
});

test('only the state is written, and no engine writes into the home folder: it sends no reports', async () => {
  const home = mkdtempSync(join(tmpdir(), 'plainview-home-'));
  const run = start({ HOME: home, TMPDIR: home, PLAINVIEW_ENGINE: 'onnxruntime' });
  await waitFor(() => run.out().includes('Orthanc answers'));
  run.child.kill('SIGTERM');
  await run.ended;
  expect(readdirSync(home)).toEqual([]);
  rmSync(home, { recursive: true });
});

test.each<[string, Record<string, string>, RegExp, number]>([
  ['an unknown option', { PLAINVIEW_TRESHOLD: '1' }, /PLAINVIEW_TRESHOLD: no such option/, 2],
  ['no secret', { PLAINVIEW_SECRET: '' }, /PLAINVIEW_SECRET, or PLAINVIEW_SECRET_FILE: must be set/, 2],
  ['a GPU demanded where there is none', { PLAINVIEW_ENGINE: 'gpu' }, /gpu/i, 1],
  [
    'an audit trail that cannot be written',
    { PLAINVIEW_AUDIT_FILE: '/nowhere/audit.jsonl' },
    /PLAINVIEW_AUDIT_FILE: .* does not exist/,
    2,
  ],
  [
    'a network that is not there',
    { PLAINVIEW_NETWORK: '/nowhere/network.pb' },
    /nowhere.*PLAINVIEW_NETWORK/,
    2,
  ],
])('%s stops the start, and the message names it', async (_what, env, sentence, status) => {
  const run = start(env);
  expect(await run.ended).toBe(status);
  expect(run.out()).toMatch(sentence);
});

test('a port in use stops the start, and the message names it', async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(hook.port, '127.0.0.1', resolve));
  const run = start();
  expect(await run.ended).toBe(1);
  expect(run.out()).toContain('PLAINVIEW_PORT');
  holder.close();
});
