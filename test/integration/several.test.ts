import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shipped } from '../../src/files/places.js';
import { runCommand } from '../../src/sandbox/command.js';
import { image } from '../../testkit/dicom.js';
import { storeInstance } from '../../testkit/orthanc.js';
import { waitFor } from '../../testkit/wait-for.js';

interface Start {
  out: () => string;
  /** Ends it as `kill` does, and waits. @returns the exit status */
  stop: () => Promise<number | null>;
  ended: Promise<number | null>;
}

function start(args: string[], env: Record<string, string> = {}): Start {
  const child = spawn(process.execPath, [shipped('dist', 'sandbox', 'start.js'), ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      text += String(chunk);
    });
  const ended = once(child, 'exit').then(([status]) => status as number | null);
  return {
    out: () => text,
    ended,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

const runs = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const hasPostgresql = (await runCommand('pg_virtualenv', ['-h'])).status !== null;
if (!hasPostgresql) console.warn('PostgreSQL is not installed: the tests of several services are skipped.');

describe.skipIf(!hasPostgresql)('npm start -- --several 3', () => {
  let started: Start;
  /** Address and process of each that is printed as running. */
  const printed = new Map<string, { address: string; pid: number; leads: boolean }>();
  const partNamed = (name: string) => {
    const found = printed.get(name);
    if (!found) throw new Error(`${name} is not printed in: ${started.out()}`);
    return found;
  };
  const original = (name: string) => new URL(partNamed(name).address).origin;

  beforeAll(async () => {
    started = start(['--several', '3']);
    await waitFor(() => started.out().includes('Ctrl-C stops all'), { timeout: 110_000, what: 'the start' });
    for (const [, name = '', address = '', pid, leads] of started
      .out()
      .matchAll(/^ {2}(\S+(?: \S+)?) +(\S+) +process (\d+)(, leads)?$/gm))
      printed.set(name, { address, pid: Number(pid), leads: leads !== undefined });
  });
  afterAll(() => started.stop());

  test('says where each part is, which service leads, and what to kill', async () => {
    expect([...printed.keys()]).toEqual([
      'Orthanc A',
      'Orthanc B',
      'Plainview 1',
      'Plainview 2',
      'Plainview 3',
      'PostgreSQL',
    ]);
    for (const { pid } of printed.values()) expect(runs(pid)).toBe(true);
    const leaders = [...printed.values()].filter(({ leads }) => leads);
    expect(leaders).toHaveLength(1);
    expect(started.out()).toContain(`kill -9 ${leaders[0]?.pid} `);
    const answer = await fetch(leaders[0]?.address ?? '');
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      leader: { who: expect.stringContaining(String(leaders[0]?.pid)) },
      orthanc: { nodes: [{ answers: true }, { answers: true }] },
    });
  });

  test('names the review page of each Orthanc, which each shows the same', async () => {
    const [, line = ''] = /^ {2}Review page +(.+)$/m.exec(started.out()) ?? [];
    const pages = line.split(/ +/);
    expect(pages.map((page) => new URL(page).origin)).toEqual(['Orthanc A', 'Orthanc B'].map(original));
    for (const page of pages) expect((await fetch(new URL('../api/v1/status', page))).status).toBe(200);
  });

  test('the Orthancs share an index and files', async () => {
    const { orthancId } = await storeInstance(original('Orthanc A'), image());
    const file = await fetch(`${original('Orthanc B')}/instances/${orthancId}/file`);
    expect(file.status).toBe(200);
    expect((await file.arrayBuffer()).byteLength).toBeGreaterThan(128);
  });

  test('when the service that leads is killed, another one leads, and the killed one is started again', async () => {
    const [name = '', { pid = 0 } = {}] = [...printed].find(([, { leads }]) => leads) ?? [];
    process.kill(pid, 'SIGKILL');
    await waitFor(() => /^(Plainview \d) leads now: process \d+\.$/m.exec(started.out()) ?? undefined);
    const [, again] = await waitFor(
      () => new RegExp(`^${name} runs again: process (\\d+)\\.$`, 'm').exec(started.out()) ?? undefined,
    );
    expect(Number(again)).not.toBe(pid);
    expect(started.out()).toContain(`${name} ended (process ${pid}, SIGKILL)`);
    // Work goes on, also with the Orthanc whose hook calls the service that was killed.
    const { orthancId } = await storeInstance(original('Orthanc A'), image());
    const metadata = `${original('Orthanc B')}/instances/${orthancId}/metadata/RadiographCategory`;
    await waitFor(async () => (await fetch(metadata)).ok, { what: 'a category' });
  });

  test('a stop ends every process and deletes the data, also when it is asked for twice', async () => {
    const [, folder = ''] = /Logs +(\S+)\/\*\.log/.exec(started.out()) ?? [];
    const pids = [...started.out().matchAll(/process (\d+)/g)].map(([, pid]) => Number(pid));
    expect(existsSync(folder)).toBe(true);
    const stopped = started.stop();
    await waitFor(() => started.out().includes('SIGTERM: stopping'));
    // Some send a signal more than once, `timeout` for example.
    expect(await started.stop()).toBe(0);
    expect(await stopped).toBe(0);
    expect(existsSync(folder)).toBe(false);
    // PostgreSQL is nobody's child, so its process can stay for a moment.
    await waitFor(() => !pids.some(runs), { what: 'the end of all processes' });
  });
});

test.skipIf(!hasPostgresql)(
  'PostgreSQL ends with the process that started it, also when that is killed',
  async () => {
    const child = spawn(process.execPath, [
      ...['--input-type=module', '--eval'],
      `const { startPostgresqlServer } = await import(process.argv[1]);
     console.log((await startPostgresqlServer()).pid);`,
      shipped('dist', 'sandbox', 'postgresql.js'),
    ]);
    const [pid] = await once(child.stdout, 'data');
    expect(runs(Number(pid))).toBe(true);
    child.kill('SIGKILL');
    await waitFor(() => !runs(Number(pid)), { what: 'the end of PostgreSQL' });
  },
);

test('without PostgreSQL it names the package to install', async () => {
  const { out, ended } = start(['--several', '3'], { PATH: '/nowhere' });
  expect(await ended).toBe(1);
  expect(out()).toContain('apt install postgresql');
});
