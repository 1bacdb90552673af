import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Pool } from 'pg';
import { postgresqlUrl, startPostgresqlServer } from '../src/sandbox/postgresql.js';
import { isInPostgresql } from './variants.js';

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
      url: postgresqlUrl(process.env),
      restart: () => restartCluster(process.env),
      stop: () => pool.end(),
    };
  }
  const server = await startPostgresqlServer([], isDurable);
  if (server === undefined) return undefined;
  const { host, port, user, password } = server;
  const pool = lasting(new Pool({ host, port, user, password, database: 'postgres', max: 20 }));
  return {
    pool,
    url: server.url,
    restart: () => restartCluster({ ...process.env, ...server.env }),
    stop: async () => {
      await pool.end();
      await server.stop();
    },
  };
}

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
  // In two steps: in one, it can take the server that is about to end for the one that it is to start.
  await run('pg_ctlcluster', [version, cluster, 'stop', '-m', 'fast'], { env });
  await run('pg_ctlcluster', [version, cluster, 'start'], { env });
}
