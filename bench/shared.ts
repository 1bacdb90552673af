// `npm run bench:shared [-- --rounds 3 --seconds 20 --concurrency 1 --instances 50 --ceiling 20000 --backlog 1000000
// --seed 1]`: what several processes on one database do. 0 leaves a part out. Compare the ratios within one run: absolute
// figures depend on the machine.
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { asPlainviewError } from '../src/errors/errors.js';
import type { Reason } from '../src/queue/queue.js';
import { type Postgresql, startPostgresql } from '../testkit/postgresql.js';
import { seeded } from '../testkit/random.js';
import { measureQueue, type QueueRates } from './shared/database.js';
import { measureThroughput, nameOf, type Throughput } from './shared/throughput.js';
import { measureLatency } from './store/latency.js';
import { latencyTables } from './store/latency-table.js';
import { makeExposure } from './store/pictures.js';

/** Least ratio to one process. */
const aims = new Map([
  [2, 1.9],
  [4, 3.6],
]);

const log = (line: string) => console.error(line);
const count = z.coerce.number().int().min(0);
const option = (byDefault: number) => ({ type: 'string', default: String(byDefault) }) as const;
const { rounds, seconds, concurrency, instances, ceiling, backlog, seed } = z
  .object({
    rounds: count,
    seconds: count.min(1),
    concurrency: count.min(1).max(64),
    instances: count,
    ceiling: count,
    backlog: count,
    seed: count,
  })
  .parse(
    parseArgs({
      options: {
        rounds: option(3),
        seconds: option(20),
        concurrency: option(1),
        instances: option(50),
        ceiling: option(20_000),
        backlog: option(1_000_000),
        seed: option(1),
      },
    }).values,
  );
const random = seeded(seed);

async function compareThroughput(postgresql: Postgresql): Promise<void> {
  const measured = await measureThroughput({
    postgresql,
    setups: [false, true].flatMap((isShared) =>
      [1, ...aims.keys()].map((processes) => ({ processes, isShared })),
    ),
    rounds,
    seconds,
    concurrency,
    random,
    log,
  });
  const row = ({ processes, isShared, perSecond, cpu }: Throughput) => {
    const one = measured.find((each) => each.isShared === isShared && each.processes === 1);
    return {
      'decisions/s': perSecond.toFixed(1),
      'ratio to one': (perSecond / (one?.perSecond ?? Number.NaN)).toFixed(2),
      aim: (isShared ? aims.get(processes) : undefined) ?? '',
      'CPU of the machine, %': cpu.toFixed(0),
    };
  };
  console.log(
    `\nProcesses with a backlog, ${concurrency} at a time each; a rendering takes 60 ms of waiting. Those apart share nothing, and show what the machine allows.`,
  );
  console.table(Object.fromEntries(measured.map((each) => [nameOf(each), row(each)])));
}

async function compareLatency(postgresql: Postgresql): Promise<void> {
  const database = `bench_latency_${process.pid}`;
  await postgresql.pool.query(`CREATE DATABASE ${database}`);
  const measured = await measureLatency({
    variants: new Map([
      ['folder', {}],
      ['database', { PLAINVIEW_DATABASE_URL: postgresql.url(database) }],
    ]),
    instances,
    exposure: await makeExposure({ rows: 1000, columns: 800, bitsStored: 12 }, random),
    random,
    log,
  });
  console.log(
    `\nFrom store to label, in milliseconds, with the state and the queue in a folder and in a database: ${instances} instances one after the other`,
  );
  latencyTables(measured);
}

async function measureDatabase(postgresql: Postgresql): Promise<void> {
  const rows: Record<string, QueueRates> = {};
  const measure = async (title: string, name: string, jobs: number, reason: Reason) => {
    if (jobs === 0) return;
    const database = `bench_${name}_${process.pid}`;
    rows[title] = await measureQueue({ postgresql, name: database, jobs, reason, concurrency: 16, log });
  };
  await measure('urgent', 'ceiling', ceiling, 'hook');
  await measure('backlog', 'backlog', backlog, 'changes');
  if (Object.keys(rows).length === 0) return;
  console.log(
    '\nJobs that do nothing, per second: what the database can do (each commit is written to the disk)',
  );
  const shown = ({ jobs, enqueued, run, megabytesFull, megabytesAfter }: QueueRates) => ({
    jobs,
    'enqueued/s': Math.round(enqueued),
    'run/s': Math.round(run.overall),
    'at the start': Math.round(run.first),
    'at the end': Math.round(run.last),
    'tables full, MB': megabytesFull.toFixed(1),
    'after, MB': megabytesAfter.toFixed(1),
  });
  console.table(Object.fromEntries(Object.entries(rows).map(([title, rates]) => [title, shown(rates)])));
}

try {
  const postgresql = await startPostgresql({ isDurable: true });
  if (postgresql === undefined)
    throw new Error('PostgreSQL is not installed (Debian: the package postgresql)');
  try {
    if (rounds > 0) await compareThroughput(postgresql);
    if (instances > 0) await compareLatency(postgresql);
    await measureDatabase(postgresql);
  } finally {
    await postgresql.stop();
  }
} catch (caught) {
  console.error(asPlainviewError(caught));
  process.exitCode = 1;
}
