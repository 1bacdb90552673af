import { Pool } from 'pg';
import { type InstanceId, instanceId } from '../../src/orthanc/ids.js';
import type { Reason } from '../../src/queue/queue.js';
import type { Postgresql } from '../../testkit/postgresql.js';
import { waitFor } from '../../testkit/wait-for.js';
import { openQueue } from './open-queue.js';

/** The share of the jobs, of which the rate at the start and that at the end are taken. */
const edge = 0.05;

export interface QueueRates {
  jobs: number;
  /** Jobs per second. */
  enqueued: number;
  run: Rates;
  /** Megabytes of all tables and indexes: with all jobs waiting, and after the last one. */
  megabytesFull: number;
  megabytesAfter: number;
}
/** Jobs per second: of all, of the first, and of the last ones. */
interface Rates {
  overall: number;
  first: number;
  last: number;
}

/** @param name of the database that this creates */
export async function measureQueue(options: {
  postgresql: Postgresql;
  name: string;
  jobs: number;
  reason: Reason;
  concurrency: number;
  log: (line: string) => void;
}): Promise<QueueRates> {
  const { postgresql, name, jobs, reason, concurrency, log } = options;
  await postgresql.pool.query(`CREATE DATABASE ${name}`);
  const url = postgresql.url(name);
  const run = new Progress(jobs);
  const { queue, close } = await openQueue({
    url,
    concurrency,
    handler: async () => {
      run.add();
      return { kind: 'settled' };
    },
  });
  const pool = new Pool({ connectionString: url, max: 1 });
  try {
    queue.pause();
    const began = performance.now();
    for (const id of ids(jobs)) queue.enqueue(id, reason);
    await waitFor(async () => (await waiting(pool)) === jobs, {
      what: 'all jobs in the database',
      everyMs: 200,
      timeout: 3_600_000,
    });
    const enqueued = (jobs * 1000) / (performance.now() - began);
    log(`${jobs} jobs wait: ${Math.round(enqueued)} a second`);
    const megabytesFull = await megabytes(pool);
    run.begin();
    queue.resume();
    await waitFor(() => run.isDone, { what: 'all jobs', everyMs: 50, timeout: 7_200_000 });
    await queue.stop(AbortSignal.timeout(60_000));
    return {
      jobs,
      enqueued,
      run: run.rates(),
      megabytesFull,
      megabytesAfter: await megabytes(pool),
    };
  } finally {
    await close();
    await pool.end();
  }
}

/** Notes when how many were done. */
class Progress {
  readonly #total: number;
  readonly #edge: number;
  #done = 0;
  #began = performance.now();
  #firstEnded = Number.NaN;
  #lastBegan = Number.NaN;
  #ended = Number.NaN;

  constructor(total: number) {
    this.#total = total;
    this.#edge = Math.ceil(total * edge);
  }

  begin(): void {
    this.#began = performance.now();
  }

  add(): void {
    this.#done++;
    if (this.#done === this.#edge) this.#firstEnded = performance.now();
    if (this.#done === this.#total - this.#edge) this.#lastBegan = performance.now();
    if (this.#done === this.#total) this.#ended = performance.now();
  }

  get isDone(): boolean {
    return this.#done >= this.#total;
  }

  rates(): Rates {
    const rate = (count: number, from: number, to: number) => (count * 1000) / (to - from);
    return {
      overall: rate(this.#total, this.#began, this.#ended),
      first: rate(this.#edge, this.#began, this.#firstEnded),
      last: rate(this.#edge, this.#lastBegan, this.#ended),
    };
  }
}

function* ids(count: number): Generator<InstanceId> {
  for (let n = 1; n <= count; n++)
    yield instanceId.parse(`${n.toString(16).padStart(8, '0')}${'-00000000'.repeat(4)}`);
}

async function waiting(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM plainview_jobs.jobs',
  );
  return rows[0]?.count ?? 0;
}

async function megabytes(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ bytes: string }>(
    `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) AS bytes
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND n.nspname LIKE 'plainview%'`,
  );
  return Number(rows[0]?.bytes ?? Number.NaN) / 1e6;
}
