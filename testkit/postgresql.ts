import { randomUUID } from 'node:crypto';
import { runCommand } from '../src/sandbox/command.js';
import type { SandboxOptions } from '../src/sandbox/orthanc.js';

/** `npm run test:postgresql`: test Orthancs use the PostgreSQL server of libpq's variables (PGHOST …). */
export const isInPostgresql = process.env.PLAINVIEW_TEST_DATABASE === 'postgresql';

/** Adds a new database where the tests run with PostgreSQL. Else it returns the options unchanged. */
export async function withTestDatabase(options: SandboxOptions): Promise<SandboxOptions> {
  if (!isInPostgresql) return options;
  const { PGHOST = 'localhost', PGPORT = '5432', PGUSER = 'postgres', PGPASSWORD = '' } = process.env;
  const name = `plainview_${randomUUID().replaceAll('-', '')}`;
  const made = await runCommand('psql', ['-q', '-d', 'postgres', '-c', `CREATE DATABASE ${name}`]);
  if (made.status !== 0) throw new Error(`PostgreSQL made no database: ${made.stderr}`);
  return {
    ...options,
    plugins: [...(options.plugins ?? []), 'postgresql'],
    configuration: {
      ...options.configuration,
      PostgreSQL: {
        EnableIndex: true,
        EnableStorage: false,
        Host: PGHOST,
        Port: Number(PGPORT),
        Username: PGUSER,
        Password: PGPASSWORD,
        Database: name,
        // Several Orthancs share the server's limit of a hundred connections.
        IndexConnectionsCount: 5,
      },
    },
  };
}
