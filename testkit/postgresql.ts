import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { Pool } from 'pg';
import { freePort } from '../src/sandbox/ports.js';
import { isInPostgresql } from './variants.js';

/** Waits for the end of its input, so that the server never outlives this process. */
const script = 'env | grep ^PG; echo; exec cat';

export interface Postgresql {
  pool: Pool;
  /** Address of one of its databases, as `PLAINVIEW_DATABASE_URL` wants it. */
  url(database: string): string;
  stop(): Promise<void>;
}

/**
 * Connects to the PostgreSQL server that the tests run with, or else starts one.
 * @returns undefined where there is no `pg_virtualenv` (package `postgresql`)
 * @throws where it is there and fails
 */
export async function startPostgresql(): Promise<Postgresql | undefined> {
  if (isInPostgresql) {
    const pool = new Pool({ database: 'postgres', max: 20 });
    return { pool, url: addressOf(new Map(Object.entries(process.env))), stop: () => pool.end() };
  }
  // Several test files start one at the same time: `-t` gives each a folder of its own, also for root.
  const child = spawn('pg_virtualenv', ['-t', 'sh', '-c', script], {
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
  const pool = new Pool({
    host: variables.get('PGHOST'),
    port: Number(variables.get('PGPORT')),
    user: variables.get('PGUSER'),
    password: variables.get('PGPASSWORD'),
    database: 'postgres',
    max: 20,
  });
  return {
    pool,
    url: addressOf(variables),
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
