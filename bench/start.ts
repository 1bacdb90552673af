// `npm run bench:start [-- --rounds 7 --against <another built checkout> --pictures 40]`: time and memory of `--help`, of
// `label` on one picture, and of `serve` beside a real Orthanc with two processes that classify. The checkouts take turns.
// Compare them within one run. The processor's time depends less on the load of the machine than the time that passes. Linux only.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { shipped } from '../src/files/places.js';
import { startOrthanc } from '../src/sandbox/orthanc.js';
import { freePort } from '../src/sandbox/ports.js';
import { radiograph } from '../testkit/dicom.js';
import { storeInstance } from '../testkit/orthanc.js';
import { Reader } from '../testkit/service.js';
import { waitFor } from '../testkit/wait-for.js';
import { median, sum } from './statistics.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    against: { type: 'string', multiple: true, default: [] },
    pictures: { type: 'string', default: '40' },
  },
});
const [rounds, pictures] = [Number(values.rounds), Number(values.pictures)];
const checkouts = [...values.against, shipped()];
const picture = shipped('samples', 'chest_part.png');

/** Clock ticks of 10 ms: of a process, or of all children of this one that have ended. */
const ticks = (pid: number | 'self', first: number): number =>
  sum(
    readFileSync(`/proc/${pid}/stat`, 'utf8')
      .split(') ')[1]
      ?.split(' ')
      .slice(first, first + 2)
      .map(Number) ?? [],
  );
const ended = () => ticks('self', 13);

async function command(checkout: string, args: string[]): Promise<{ wall: number; cpu: number }> {
  const [began, before] = [performance.now(), ended()];
  const child = spawn(process.execPath, [join(checkout, 'dist', 'cli.js'), ...args], { stdio: 'ignore' });
  const [status] = await once(child, 'exit');
  if (status !== 0) throw new Error(`plainview ${args.join(' ')} ended with ${status}`);
  return { wall: performance.now() - began, cpu: (ended() - before) * 10 };
}

/** A process and those that it started. */
const family = (pid: number): number[] => [
  pid,
  ...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
];
const megabytes = (pids: readonly number[], field: string): number =>
  sum(
    pids.map((pid) =>
      Number(
        new RegExp(`^${field}: +(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1],
      ),
    ),
  ) / 1024;

async function serve(checkout: string, orthanc: string, load: (url: string) => Promise<void>) {
  const stateDir = mkdtempSync(join(tmpdir(), 'bench-start-'));
  const began = performance.now();
  const child = spawn(process.execPath, [join(checkout, 'dist', 'cli.js'), 'serve'], {
    env: {
      PATH: process.env.PATH ?? '',
      PLAINVIEW_ORTHANC_URL: orthanc,
      PLAINVIEW_SECRET: 'bench-start-secret-of-enough-length',
      PLAINVIEW_PORT: String(await freePort()),
      PLAINVIEW_STATE_DIR: stateDir,
      PLAINVIEW_WORKERS: '2',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let [out, ready] = ['', 0];
  child.stdout.on('data', (data) => {
    out += data;
    if (ready === 0 && out.includes('"Orthanc answers"')) ready = performance.now() - began;
  });
  const pid = child.pid ?? 0;
  try {
    await waitFor(() => ready > 0, { what: 'serve is ready', timeout: 60_000 });
    const cpu = sum(family(pid).map((each) => ticks(each, 11))) * 10;
    await load(orthanc);
    await delay(10_000);
    const all = family(pid);
    return { ready, cpu, processes: all.length, rss: megabytes(all, 'Rss'), pss: megabytes(all, 'Pss') };
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
    rmSync(stateDir, { recursive: true });
  }
}

const shapes = { width: 2, height: 2, grey: Uint8Array.of(20, 200, 90, 240) };
const round = (value: number) => Math.round(value);
const table: Record<string, Record<string, number>> = {};
const load = loadavg()[0]?.toFixed(1);
for (const [name, args] of Object.entries({
  '--help': ['--help'],
  'label, one picture': ['label', picture],
})) {
  const runs = checkouts.map(() => [] as { wall: number; cpu: number }[]);
  for (let i = 0; i < rounds; i++)
    for (const [k, checkout] of checkouts.entries()) runs[k]?.push(await command(checkout, args));
  for (const [k, of] of runs.entries())
    table[`${name} [${k}]`] = {
      'wall ms': round(median(of.map(({ wall }) => wall))),
      'CPU ms': round(median(of.map(({ cpu }) => cpu))),
    };
}
for (const [k, checkout] of checkouts.entries()) {
  const orthanc = await startOrthanc({});
  try {
    const all = [];
    for (let i = 0; i < Math.min(rounds, 3); i++)
      all.push(
        await serve(checkout, orthanc.url, async (url) => {
          if (i > 0) return;
          const reader = new Reader(url);
          const stored = [];
          for (let n = 0; n < pictures; n++)
            stored.push(await storeInstance(url, radiograph(shapes, { rows: 2500, columns: 2000 })));
          for (const { orthancId } of stored) await reader.decided(orthancId);
        }),
      );
    const [first] = all;
    table[`serve [${k}]`] = {
      'wall ms': round(median(all.map(({ ready }) => ready))),
      'CPU ms': round(median(all.map(({ cpu }) => cpu))),
      processes: first?.processes ?? 0,
      'RSS MB': round(first?.rss ?? 0),
      'PSS MB': round(first?.pss ?? 0),
    };
  } finally {
    await orthanc.discard();
  }
}
console.log(checkouts.map((checkout, k) => `[${k}] ${checkout}`).join('\n'));
console.log(`${availableParallelism()} cores, load ${load} … ${loadavg()[0]?.toFixed(1)}`);
console.table(table);
