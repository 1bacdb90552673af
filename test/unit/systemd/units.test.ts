import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { options, secretOptions, variableOf } from '../../../src/config/options.js';
import { shipped } from '../../../src/files/places.js';
import { runCommand } from '../../../src/sandbox/command.js';

const dropIn = shipped('deploy', 'systemd', 'several-hosts.conf');
const unitFile = shipped('deploy', 'systemd', 'plainview.service');
const unit = readFileSync(unitFile, 'utf8');

const folder = mkdtempSync(join(tmpdir(), 'plainview-units-'));
beforeAll(() => {
  // The check looks for the program and the folder, which are elsewhere on this machine.
  const here = unit
    .replace('/usr/lib/plainview/bin/node', process.execPath)
    .replace('WorkingDirectory=/var/lib/plainview', `WorkingDirectory=${folder}`);
  writeFileSync(join(folder, 'plainview.service'), here);
  mkdirSync(join(folder, 'plainview.service.d'));
  cpSync(dropIn, join(folder, 'plainview.service.d', 'several-hosts.conf'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('systemd accepts the service with the drop-in for several hosts', async (context) => {
  const file = join(folder, 'plainview.service');
  const { status, stdout, stderr } = await runCommand('systemd-analyze', ['verify', '--man=no', file]);
  if (status === null) return context.skip('no systemd-analyze on this machine');
  // Other units of the machine may have problems of their own.
  const complaints = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('plainview'));
  expect([status, complaints]).toEqual([0, []]);
});

test('the service is exposed little: below 2.5, as systemd reckons', async (context) => {
  const { status, stdout } = await runCommand('systemd-analyze', [
    'security',
    '--offline=true',
    '--no-pager',
    unitFile,
  ]);
  // Older ones have no --offline.
  if (status !== 0) return context.skip('no systemd-analyze on this machine that rates a file');
  const [, exposure] = /Overall exposure level for plainview\.service: ([\d.]+)/.exec(stdout) ?? [];
  expect(Number(exposure)).toBeLessThan(2.5);
});

test('a start with a wrong configuration is not repeated, and a watchdog is set that the service can answer', () => {
  for (const line of ['RestartPreventExitStatus=2', 'NotifyAccess=all', 'Type=notify', 'OOMPolicy=continue'])
    expect(unit).toContain(`\n${line}\n`);
  expect(unit).toMatch(/^WatchdogSec=/m);
});

test('the drop-in sets options that exist, and hands the database’s address over as a file', () => {
  const known = [
    ...Object.keys(options.shape).map((name) => variableOf(name as keyof typeof options.shape)),
    ...secretOptions.map((name) => `${variableOf(name)}_FILE`),
    // Not every version has this option.
    'PLAINVIEW_ADDRESS',
  ];
  const text = readFileSync(dropIn, 'utf8');
  const named = [...text.matchAll(/\bPLAINVIEW_\w+/g)].map(([name]) => name);
  expect(named.filter((name) => !known.includes(name))).toEqual([]);
  const [, credential] = /^LoadCredential=([\w-]+):\/etc\/plainview\//m.exec(text) ?? [];
  expect(text).toContain(`\nEnvironment=PLAINVIEW_DATABASE_URL_FILE=%d/${credential}\n`);
});

test('a service that loses its lease is started again, for however long', () => {
  const text = readFileSync(dropIn, 'utf8');
  expect(text).toMatch(/^Restart=always$/m);
  expect(text).toMatch(/^StartLimitIntervalSec=0$/m);
});
