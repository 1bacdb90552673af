import { runMigrations } from 'graphile-worker';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { createError } from '../../errors/errors.js';
import { jobSchema, quietLogger } from './job-engine.js';

/** PostgreSQL 12, the oldest that Debian's archive of releases still had when this was written. */
export const oldestServer = 120_000;
/** Any number that nobody else takes: of two processes that start at once, one waits for the other. */
const migrationLock = 8_104_001;

/** Each brings the schema to the version of its place in this list, counted from 1. Never changed, only added to. */
export const migrations = [
  `CREATE TABLE plainview.documents (key text COLLATE "C" PRIMARY KEY, content text NOT NULL);
   CREATE TABLE plainview.lease (
     id integer PRIMARY KEY CHECK (id = 1),
     term bigint NOT NULL,
     holder text NOT NULL,
     since timestamptz NOT NULL,
     expires timestamptz NOT NULL
   );
   INSERT INTO plainview.lease VALUES (1, 0, '', '-infinity', '-infinity');`,
  // The table of the lease stays: an older Plainview that runs learns from it that it has lost the archive, and ends; one
  // that stands by never gets it. Without the table both would go on, beside those that share the work.
  `UPDATE plainview.lease SET term = term + 1, holder = 'a newer Plainview', since = now(), expires = 'infinity';
   CREATE TABLE plainview.members (
     -- At random: a count would begin again where the database is restored, and two processes could have one term.
     term bigint PRIMARY KEY DEFAULT floor(random() * 9e15)::bigint,
     who text NOT NULL UNIQUE,
     url text NOT NULL,
     expires timestamptz NOT NULL,
     workers text[] NOT NULL DEFAULT '{}',
     can_lead boolean NOT NULL DEFAULT false,
     settings jsonb NOT NULL DEFAULT '{}'
   );
   CREATE TABLE plainview.leader (
     id integer PRIMARY KEY CHECK (id = 1),
     term bigint REFERENCES plainview.members ON DELETE SET NULL,
     since timestamptz
   );
   INSERT INTO plainview.leader VALUES (1, NULL, NULL);
   CREATE TABLE plainview.locks (key text COLLATE "C" PRIMARY KEY, term bigint NOT NULL, hold bigint NOT NULL);
   CREATE FUNCTION plainview.is_member(of bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE AS
     -- As of now: where a statement had to wait, it does not know who has joined since it began.
     'BEGIN RETURN EXISTS (SELECT FROM plainview.members WHERE term = of); END';
   CREATE TABLE plainview.messages (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, content text NOT NULL);
   CREATE TABLE plainview.audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, entry jsonb NOT NULL);`,
];

/**
 * Brings the tables to the version of this program.
 * @throws database_too_old, database_newer, and what `pg` throws
 */
export async function migrate(pool: Pool, log: Logger): Promise<void> {
  const client = await pool.connect();
  // The statement that is under way says so too. Without a listener, Node.js ends the process.
  const onBroken = () => undefined;
  client.on('error', onBroken);
  try {
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [migrationLock]);
    const server = await client.query<{ number: number; version: string }>(
      "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version",
    );
    const [{ number, version } = { number: 0, version: 'unknown' }] = server.rows;
    if (number < oldestServer) throw createError('database_too_old', { version });
    await client.query('CREATE SCHEMA IF NOT EXISTS plainview');
    await client.query('CREATE TABLE IF NOT EXISTS plainview.migrations (version integer PRIMARY KEY)');
    const known = await client.query<{ version: number }>(
      'SELECT coalesce(max(version), 0)::int AS version FROM plainview.migrations',
    );
    const from = known.rows[0]?.version ?? 0;
    if (from > migrations.length)
      throw createError('database_newer', { version: from, known: migrations.length });
    for (const [index, migration] of migrations.entries())
      if (index >= from) {
        await client.query(migration);
        await client.query('INSERT INTO plainview.migrations VALUES ($1)', [index + 1]);
      }
    await runMigrations({ pgPool: pool, schema: jobSchema, logger: quietLogger(log) });
    await client.query(
      `INSERT INTO ${jobSchema}._private_tasks (identifier) VALUES ('urgent'), ('backlog') ON CONFLICT DO NOTHING`,
    );
    await client.query('COMMIT');
    client.off('error', onBroken).release();
  } catch (error) {
    // Closes the connection, which rolls back also where the server no longer answers.
    client.release(true);
    throw error;
  }
}
