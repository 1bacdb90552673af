import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../src/sandbox/ports.js';
import type { Postgresql } from '../../testkit/postgresql.js';
import { shuffled } from '../../testkit/random.js';
import { ServiceProcess } from '../../testkit/service-process.js';
import { SimulatedOrthanc } from '../../testkit/simulated-orthanc.js';
import { waitFor } from '../../testkit/wait-for.js';
import { median } from '../statistics.js';

/** What one process waits for, and what more processes can wait for at the same time. */
const renderingMs = 60;
const secret = 'bench-bench-bench-bench';
/** A network of 10 kB: a picture takes less than a millisecond. */
const network = fileURLToPath(new URL('../../testkit/golden/networks/keras.pb', import.meta.url));
/** After the start: what is compiled or connected for the first time. */
const settleMs = 3000;
/** Processes that have not begun to work in this time are not waited for. */
const startMs = 60_000;

/** Number of processes on one database; `alone`: one without a database. */
export type Size = 'alone' | number;

export interface Throughput {
  size: Size;
  /** Decisions per second, median of the rounds. */
  perSecond: number;
  /** How busy the machine was, percent of all cores. At 100 the ratios say nothing about the processes. */
  cpu: number;
}

/**
 * Counts decisions while a backlog is worked on, by one and by several processes. Orthanc is simulated: its renderings
 * wait, and use no CPU. Each round runs all sizes in random order.
 */
export async function measureThroughput(options: {
  postgresql: Postgresql;
  sizes: readonly Size[];
  rounds: number;
  /** Seconds of each measurement. */
  seconds: number;
  /** Jobs at a time of each process. */
  concurrency: number;
  random: () => number;
  log: (line: string) => void;
}): Promise<Throughput[]> {
  const { sizes, rounds, random, log } = options;
  const rates = new Map(sizes.map((size) => [size, [] as { perSecond: number; cpu: number }[]]));
  for (let round = 1; round <= rounds; round++)
    for (const size of shuffled(sizes, random)) {
      const one = await measureOnce(size, `bench_${process.pid}_${round}_${size}`, options);
      rates.get(size)?.push(one);
      log(`throughput, round ${round} of ${rounds}: ${size}, ${one.perSecond.toFixed(1)} a second`);
    }
  return [...rates].map(([size, all]) => ({
    size,
    perSecond: median(all.map(({ perSecond }) => perSecond)),
    cpu: median(all.map(({ cpu }) => cpu)),
  }));
}

async function measureOnce(
  size: Size,
  database: string,
  { postgresql, seconds, concurrency }: Parameters<typeof measureThroughput>[0],
): Promise<{ perSecond: number; cpu: number }> {
  const processes = size === 'alone' ? 1 : size;
  // More than they can decide.
  const most = (processes * concurrency * (startMs + settleMs + 1000 * seconds)) / renderingMs;
  const orthanc = new SimulatedOrthanc(Math.ceil(most));
  orthanc.renderingMs = renderingMs;
  const url = await orthanc.listen();
  if (size !== 'alone') await postgresql.pool.query(`CREATE DATABASE ${database}`);
  const services: ServiceProcess[] = [];
  try {
    for (let n = 0; n < processes; n++)
      services.push(
        new ServiceProcess({
          orthanc: url,
          port: await freePort(),
          secret,
          env: {
            ...(size === 'alone' ? {} : { PLAINVIEW_DATABASE_URL: postgresql.url(database) }),
            PLAINVIEW_NETWORK: network,
            PLAINVIEW_WORKERS: '1',
            PLAINVIEW_CONCURRENCY: String(concurrency),
            PLAINVIEW_BACKLOG_CONCURRENCY: String(concurrency),
            PLAINVIEW_CHANGES_POLL_MS: '500',
            PLAINVIEW_LOG_LEVEL: 'warn',
          },
        }),
      );
    for (const service of services) service.start();
    await waitFor(async () => (await Promise.all(services.map(answersAtAll))).every(Boolean), {
      what: 'all processes',
      timeout: startMs,
    });
    await waitFor(() => orthanc.decided > 0, { what: 'the first decision', timeout: startMs });
    await delay(settleMs);
    const [began, decided, before] = [performance.now(), orthanc.decided, ticks()];
    await delay(1000 * seconds);
    const perSecond = ((orthanc.decided - decided) * 1000) / (performance.now() - began);
    const after = ticks();
    return { perSecond, cpu: 100 * (1 - (after.idle - before.idle) / (after.all - before.all)) };
  } finally {
    for (const service of services) await service.discard();
    await orthanc.close();
  }
}

/** Whether it works, or stands by. */
async function answersAtAll({ url }: ServiceProcess): Promise<boolean> {
  const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
  return answer !== undefined && /"(standby|ready)":true/.test(await answer.text());
}

/** CPU time of the machine so far. */
function ticks(): { idle: number; all: number } {
  const times = cpus().map((core) => core.times);
  return {
    idle: times.reduce((total, { idle }) => total + idle, 0),
    all: times.reduce((total, each) => total + Object.values(each).reduce((sum, value) => sum + value, 0), 0),
  };
}
