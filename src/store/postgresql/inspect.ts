import { Client } from 'pg';
import { createError, PlainviewError } from '../../errors/errors.js';
import { isAway, placeOf, whyOf } from './database.js';
import { migrations, oldestServer } from './migrations.js';

const longestMs = 10_000;

export interface InspectedDatabase {
  /** Names it in messages. */
  place: string;
  /** A standby: it takes no writes. */
  isStandby: boolean;
  /** By how many seconds its clock is ahead of this one. */
  clockOffset: number;
}

/**
 * Looks at the database of the state, and changes nothing.
 * @throws database_unusable, database_refused, database_too_old, database_newer
 */
export async function inspectDatabase(url: string): Promise<InspectedDatabase> {
  const place = placeOf(url);
  const client = new Client({
    connectionString: url,
    application_name: 'plainview doctor',
    connectionTimeoutMillis: longestMs,
    query_timeout: longestMs,
    options: '-c default_transaction_read_only=on',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const asked = Date.now();
    const { rows } = await client.query<{
      number: number;
      version: string;
      standby: boolean;
      now: number;
      known: boolean;
    }>(
      `SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version,
        pg_is_in_recovery() AS standby, extract(epoch FROM clock_timestamp())::float8 AS now,
        to_regclass('plainview.migrations') IS NOT NULL AS known`,
    );
    const middle = (asked + Date.now()) / 2000;
    const [server] = rows;
    if (server === undefined) throw new Error('it answers nothing');
    if (server.number < oldestServer) throw createError('database_too_old', { version: server.version });
    if (server.known) {
      const applied = await client.query<{ version: number }>(
        'SELECT coalesce(max(version), 0)::int AS version FROM plainview.migrations',
      );
      const version = applied.rows[0]?.version ?? 0;
      if (version > migrations.length)
        throw createError('database_newer', { version, known: migrations.length });
    }
    return { place, isStandby: server.standby, clockOffset: server.now - middle };
  } catch (error) {
    if (error instanceof PlainviewError) throw error;
    throw createError(
      isAway(error) ? 'database_unusable' : 'database_refused',
      { place, why: whyOf(error) },
      error,
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}
