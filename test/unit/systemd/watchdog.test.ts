import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { watchdogMsOf } from '../../../src/app/systemd.js';
import { longestRunOf, Watchdog } from '../../../src/app/watchdog.js';
import { runCommand } from '../../../src/sandbox/command.js';
import { freePort } from '../../../src/sandbox/ports.js';
import { startFakeOrthanc } from '../../../testkit/fake-orthanc.js';
import { ServiceProcess } from '../../../testkit/service-process.js';
import { waitFor } from '../../../testkit/wait-for.js';

const folder = mkdtempSync(join(tmpdir(), 'plainview-notify-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a job that does not end silences the watchdog; one that ends after all, does not', async () => {
  let seconds = 0;
  let looks = 0;
  const told: string[] = [];
  const lines: string[] = [];
  const watchdog = new Watchdog({
    notify: async (...assignments) => void told.push(...assignments),
    withinMs: 30,
    longestRun: () => {
      looks++;
      return seconds;
    },
    mayRun: 600,
    log: pino({ level: 'error' }, { write: (line: string) => lines.push(line) }),
  });
  try {
    await waitFor(() => told.length >= 2);
    expect(new Set(told)).toEqual(new Set(['WATCHDOG=1']));
    seconds = 601;
    await waitFor(() => lines.length > 0);
    const before = told.length;
    expect(lines.join('')).toContain('"code":"job_hangs"');
    const then = looks;
    await waitFor(() => looks >= then + 2);
    expect([told.length, lines.length]).toEqual([before, 1]);
    seconds = 0;
    await waitFor(() => told.length > before);
  } finally {
    watchdog.stop();
  }
});

test('a job may run as long as its calls to Orthanc can take with what is configured', () => {
  expect(longestRunOf({ orthancTimeoutMs: 30_000, orthancRetries: 2 })).toBe(24 * 3 * 30);
  expect(longestRunOf({ orthancTimeoutMs: 100, orthancRetries: 0 })).toBe(600);
});

test('only the process that systemd watches answers its watchdog', () => {
  const of = (pid: number | undefined) =>
    watchdogMsOf({ WATCHDOG_USEC: '120000000', ...(pid === undefined ? {} : { WATCHDOG_PID: String(pid) }) });
  expect([of(process.pid), of(undefined), of(1), watchdogMsOf({})]).toEqual([
    120_000,
    120_000,
    undefined,
    undefined,
  ]);
});

/** Prints each datagram. Node.js has no such sockets. */
const receiver = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True: print(s.recv(4096).decode().replace('\\n', ' '), flush=True)
`;

test('the service tells systemd that it is there, that its event loop turns, and that it stops', async (context) => {
  const isThere = await Promise.all(
    ['systemd-notify', 'python3'].map((name) => runCommand(name, ['--version'])),
  );
  if (isThere.some(({ status }) => status !== 0)) return context.skip('no systemd-notify, or no Python');
  const socket = join(folder, 'notify');
  const listening = spawn('python3', ['-c', receiver, socket]);
  const told: string[] = [];
  listening.stdout.on('data', (chunk) => told.push(...String(chunk).trim().split('\n')));
  await waitFor(() => told.includes('bound'));
  const count = () => told.filter((line) => line === 'WATCHDOG=1').length;
  const orthanc = await startFakeOrthanc();
  const service = new ServiceProcess({
    orthanc: orthanc.url,
    port: await freePort(),
    secret: 'a secret of this test',
    // As systemd sets it: the number of the process itself.
    under: ['sh', '-c', 'WATCHDOG_PID=$$ exec "$@"', 'sh'],
    env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '600000', PLAINVIEW_WORKERS: '1' },
  });
  try {
    service.start();
    await waitFor(() => told.includes('READY=1') && count() >= 3);
    service.freeze();
    // One can be on its way.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const before = count();
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(count()).toBe(before);
    service.thaw();
    await waitFor(() => count() > before);
    await service.stop();
    expect(told).toContain('STOPPING=1');
  } finally {
    await service.discard();
    await orthanc.stop();
    listening.kill();
  }
});
