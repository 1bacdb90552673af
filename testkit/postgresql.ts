import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { Pool } from 'pg';
import { freePort } from '../src/sandbox/ports.js';
import { isInPostgresql } from './variants.js';
import { waitFor } from './wait-for.js';

/** Waits for the end of its input, so that the server never outlives this process. */
const script = 'env | grep ^PG; echo; exec cat';

export interface Postgresql {
  pool: Pool;
  /** Address of one of its databases, as `PLAINVIEW_DATABASE_URL` wants it. */
  url(database: string): string;
  /** Ends all connections at once, and returns when it accepts new ones. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Connects to the PostgreSQL server that the tests run with, or else starts one.
 * @param isDurable whether a started one writes each commit to the disk, as in production. Tests are faster without.
 * @returns undefined where there is no `pg_virtualenv` (package `postgresql`)
 * @throws where it is there and fails
 */
export async function startPostgresql({ isDurable = false } = {}): Promise<Postgresql | undefined> {
  if (isInPostgresql) {
    const pool = lasting(new Pool({ database: 'postgres', max: 20 }));
    return {
      pool,
      url: addressOf(new Map(Object.entries(process.env))),
      restart: () => restartCluster(process.env),
      stop: () => pool.end(),
    };
  }
  // Several test files start one at the same time: `-t` gives each a folder of its own, also for root.
  const settings = isDurable ? ['-o', 'fsync=on'] : [];
  const child = spawn('pg_virtualenv', ['-t', ...settings, 'sh', '-c', script], {
    env: { ...process.env, PGPORT: String(await freePort()) },
  });
  const ended = new Promise<'missing' | 'ended'>((resolve) => {
    child.once('error', () => resolve('missing'));
    child.once('close', () => resolve('ended'));
  });
  const complaints = text(child.stderr);
  const variables = new Map<string, string>();
  const started = (async () => {
    for await (const line of createInterface(child.stdout)) {
      if (line === '') return;
      const [name = '', ...value] = line.split('=');
      variables.set(name, value.join('='));
    }
    return ended;
  })();
  const result = await Promise.race([started, ended]);
  if (result === 'missing') return undefined;
  if (result === 'ended') throw new Error(`pg_virtualenv failed: ${await complaints}`);
  const pool = lasting(
    new Pool({
      host: variables.get('PGHOST'),
      port: Number(variables.get('PGPORT')),
      user: variables.get('PGUSER'),
      password: variables.get('PGPASSWORD'),
      database: 'postgres',
      max: 20,
    }),
  );
  return {
    pool,
    url: addressOf(variables),
    restart: () => restartCluster({ ...process.env, ...Object.fromEntries(variables) }),
    stop: async () => {
      await pool.end();
      child.stdin.end();
      await ended;
    },
  };
}

const addressOf = (variables: ReadonlyMap<string, string | undefined>) => (database: string) => {
  const url = new URL(`postgresql://${variables.get('PGHOST') ?? 'localhost'}/${database}`);
  url.port = variables.get('PGPORT') ?? '';
  url.username = variables.get('PGUSER') ?? '';
  url.password = variables.get('PGPASSWORD') ?? '';
  return url.href;
};

/** A pool that outlives a restart of the server: the connections that end by it are not used. */
export function lasting(pool: Pool): Pool {
  return pool.on('error', () => undefined);
}

/** @param env names the cluster of `pg_virtualenv` */
async function restartCluster(env: NodeJS.ProcessEnv): Promise<void> {
  const run = promisify(execFile);
  const [version = '', cluster = ''] = (await run('pg_lsclusters', ['-h'], { env })).stdout
    .trim()
    .split(/\s+/);
  const control = (...args: string[]) => run('pg_ctlcluster', [version, cluster, ...args], { env });
  await control('stop', '-m', 'fast');
  // Its own `restart` fails where the server has not quite ended.
  await waitFor(() => control('start').then(() => true, ifStillRunning), {
    what: 'PostgreSQL',
    everyMs: 100,
  });
}

/** See `man pg_ctlcluster`. */
function ifStillRunning(error: unknown): false {
  if ((error as { code?: unknown }).code === 2) return false;
  throw error;
}
