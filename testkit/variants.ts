import { randomUUID } from 'node:crypto';
import { runCommand } from '../src/sandbox/command.js';
import type { SandboxOptions } from '../src/sandbox/orthanc.js';

/** `npm run test:postgresql`: test Orthancs use the PostgreSQL server of libpq's variables (PGHOST …). */
export const isInPostgresql = process.env.PLAINVIEW_TEST_DATABASE === 'postgresql';

/** `npm run test:orthanc-1.12`: test Orthancs are of the version that Debian 13 has, 1.12.7. */
export const isOlder = process.env.PLAINVIEW_TEST_SUITE === 'trixie';

/** Adds a new database where the tests run with PostgreSQL, and the suite that `PLAINVIEW_TEST_SUITE` names. */
export async function asTested(given: SandboxOptions): Promise<SandboxOptions> {
  const options = isOlder ? { suite: 'trixie' as const, ...given } : given;
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
