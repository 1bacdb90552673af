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

/** Processes on one Orthanc and one database, or each with an Orthanc and a folder of its own. */
export interface Setup {
  processes: number;
  isShared: boolean;
}

export interface Throughput extends Setup {
  /** Decisions per second, median of the rounds. */
  perSecond: number;
  /** How busy the machine was, percent of all cores. At 100 the ratios say nothing about the processes. */
  cpu: number;
}

/**
 * Counts decisions while a backlog is worked on, by one and by several processes. Orthanc is simulated: its renderings
 * wait, and use no CPU. Each round runs all setups in random order. Those that share nothing show what the machine allows.
 */
export async function measureThroughput(options: {
  postgresql: Postgresql;
  setups: readonly Setup[];
  rounds: number;
  /** Seconds of each measurement. */
  seconds: number;
  /** Jobs at a time of each process. */
  concurrency: number;
  random: () => number;
  log: (line: string) => void;
}): Promise<Throughput[]> {
  const { setups, rounds, random, log } = options;
  const rates = new Map(setups.map((setup) => [setup, [] as { perSecond: number; cpu: number }[]]));
  for (let round = 1; round <= rounds; round++)
    for (const setup of shuffled(setups, random)) {
      const database = setup.isShared
        ? `bench_throughput_${process.pid}_${round}_${setup.processes}`
        : undefined;
      const one = await measureOnce(setup.processes, database, options);
      rates.get(setup)?.push(one);
      log(`throughput, round ${round} of ${rounds}: ${nameOf(setup)}, ${one.perSecond.toFixed(1)} a second`);
    }
  return [...rates].map(([setup, all]) => ({
    ...setup,
    perSecond: median(all.map(({ perSecond }) => perSecond)),
    cpu: median(all.map(({ cpu }) => cpu)),
  }));
}

export const nameOf = ({ processes, isShared }: Setup): string =>
  `${processes} ${isShared ? 'on one database' : 'apart, without a database'}`;

async function measureOnce(
  processes: number,
  database: string | undefined,
  { postgresql, seconds, concurrency }: Parameters<typeof measureThroughput>[0],
): Promise<{ perSecond: number; cpu: number }> {
  // More than they can decide.
  const most = (processes * concurrency * (startMs + settleMs + 1000 * seconds)) / renderingMs;
  const orthancs = Array.from({ length: database === undefined ? processes : 1 }, () => {
    const orthanc = new SimulatedOrthanc(Math.ceil(most));
    orthanc.renderingMs = renderingMs;
    return orthanc;
  });
  const decidedSoFar = () => orthancs.reduce((total, { decided }) => total + decided, 0);
  const urls = await Promise.all(orthancs.map((orthanc) => orthanc.listen()));
  if (database !== undefined) await postgresql.pool.query(`CREATE DATABASE ${database}`);
  const services: ServiceProcess[] = [];
  try {
    for (let n = 0; n < processes; n++)
      services.push(
        new ServiceProcess({
          orthanc: urls[n % urls.length] ?? '',
          port: await freePort(),
          secret,
          env: {
            ...(database === undefined ? {} : { PLAINVIEW_DATABASE_URL: postgresql.url(database) }),
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
    await waitFor(() => orthancs.some(({ decided }) => decided > 0), {
      what: 'the first decision',
      timeout: startMs,
    });
    await delay(settleMs);
    const [began, decided, before] = [performance.now(), decidedSoFar(), ticks()];
    await delay(1000 * seconds);
    const perSecond = ((decidedSoFar() - decided) * 1000) / (performance.now() - began);
    const after = ticks();
    return { perSecond, cpu: 100 * (1 - (after.idle - before.idle) / (after.all - before.all)) };
  } finally {
    for (const service of services) await service.discard();
    for (const orthanc of orthancs) await orthanc.close();
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
