import { spawn } from 'node:child_process';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { createError } from '../errors/errors.js';
import { temporaryFolder } from '../files/temporary.js';
import { lastLines } from './command.js';
import { freePort } from './ports.js';

/**
 * Makes a database for each argument, and writes libpq's variables and the server's process id to the file descriptor 3. Then
 * it waits for the end of its input, so that the server never outlives this process, and removes the folder that is $0.
 */
const script = `
for name in "$@"; do createdb "$name" || exit; done
env | grep ^PG >&3
echo "PGPID=$(psql --dbname postgres --no-align --tuples-only --command "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)")" >&3
echo >&3
cat 3>&-
rm -r "$0"`;

export interface PostgresqlServer {
  host: string;
  port: number;
  user: string;
  password: string;
  pid: number;
  /** Variables by which the programs of PostgreSQL find it. */
  env: Record<string, string>;
  /** Address of one of its databases, as `PLAINVIEW_DATABASE_URL` wants it. */
  url(database: string): string;
  /** Stops it and deletes its data. */
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL server of its own with Debian's `pg_virtualenv`, also as root.
 * @param databases are made in it
 * @param isDurable whether it writes each commit to the disk, as in production
 * @returns undefined where there is no `pg_virtualenv` (package `postgresql`)
 * @throws sandbox_without_postgresql where it is there and fails
 */
export async function startPostgresqlServer(
  databases: readonly string[] = [],
  isDurable = false,
): Promise<PostgresqlServer | undefined> {
  const folder = await temporaryFolder('plainview-postgresql-');
  const logFile = join(folder, 'pg_virtualenv.log');
  const log = await open(logFile, 'a');
  // `-t` gives each server a folder of its own, also for root: several can start at the same time.
  const child = spawn(
    'pg_virtualenv',
    ['-t', ...(isDurable ? ['-o', 'fsync=on'] : []), 'sh', '-c', script, folder, ...databases],
    {
      env: { ...process.env, PGPORT: String(await freePort()) },
      // Its messages go to a file: to write to a pipe that nobody reads would end it before it has stopped the server.
      stdio: ['pipe', log.fd, log.fd, 'pipe'],
      // Ctrl-C does not reach it: it is stopped last.
      detached: true,
    },
  );
  const ended = new Promise<'missing' | 'ended'>((resolve) => {
    child.once('error', () => resolve('missing'));
    child.once('exit', () => resolve('ended'));
  });
  await log.close();
  const [, , , output] = child.stdio;
  const variables = new Map<string, string>();
  const started = (async () => {
    if (!(output instanceof Readable)) return ended;
    for await (const line of createInterface(output)) {
      if (line === '') return;
      const [name = '', ...value] = line.split('=');
      variables.set(name, value.join('='));
    }
    return ended;
  })();
  const result = await Promise.race([started, ended]);
  if (result !== undefined) {
    const why = `pg_virtualenv failed: ${lastLines(await readFile(logFile, 'utf8'))}`;
    await rm(folder, { recursive: true });
    if (result === 'missing') return undefined;
    throw createError('sandbox_without_postgresql', { why });
  }
  return {
    host: variables.get('PGHOST') ?? 'localhost',
    port: Number(variables.get('PGPORT')),
    user: variables.get('PGUSER') ?? '',
    password: variables.get('PGPASSWORD') ?? '',
    pid: Number(variables.get('PGPID')),
    env: Object.fromEntries(variables),
    url: postgresqlUrl(Object.fromEntries(variables)),
    stop: async () => {
      child.stdin?.end();
      await ended;
    },
  };
}

/** @param env libpq's variables */
export const postgresqlUrl =
  (env: NodeJS.ProcessEnv) =>
  (database: string): string => {
    const url = new URL(`postgresql://${env.PGHOST ?? 'localhost'}/${database}`);
    url.port = env.PGPORT ?? '';
    url.username = env.PGUSER ?? '';
    url.password = env.PGPASSWORD ?? '';
    return url.href;
  };
