import { Pool } from 'pg';
import { postgresqlUrl, startPostgresqlServer } from '../src/sandbox/postgresql.js';
import { isInPostgresql } from './variants.js';

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
    return { pool, url: postgresqlUrl(process.env), stop: () => pool.end() };
  }
  const server = await startPostgresqlServer();
  if (server === undefined) return undefined;
  const { host, port, user, password } = server;
  const pool = new Pool({ host, port, user, password, database: 'postgres', max: 20 });
  return {
    pool,
    url: server.url,
    stop: async () => {
      await pool.end();
      await server.stop();
    },
  };
}
