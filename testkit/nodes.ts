import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'pg';
import { z } from 'zod';
import { instanceRecord } from '../src/decisions/schema.js';
import { type SandboxOrthanc, startOrthanc } from '../src/sandbox/orthanc.js';
import { lasting, type Postgresql } from './postgresql.js';
import { isOlder } from './variants.js';

const recordOf = z
  .string()
  .transform((text) => JSON.parse(text))
  .pipe(instanceRecord);

export interface Nodes {
  /** The first is the one that Plainview writes to. */
  readonly nodes: readonly SandboxOrthanc[];
  /** Every record of an instance that was ever written, in the order of the transactions. */
  recordsWritten(): Promise<{ instance: string; record: z.output<typeof instanceRecord> }[]>;
  discard(): Promise<void>;
}

/**
 * Starts Orthancs with one PostgreSQL database and one storage folder.
 * @param name of their database, which this creates
 * @param hooks one for each node
 */
export async function startNodes(
  server: Postgresql,
  name: string,
  hooks: readonly { url: string; secret: string }[],
): Promise<Nodes> {
  await server.pool.query(`CREATE DATABASE ${name}`);
  const database = lasting(new Pool({ connectionString: server.url(name), max: 2 }));
  const storage = await mkdtemp(join(tmpdir(), 'plainview-nodes-'));
  const { hostname, port, username, password } = new URL(server.url(name));
  const nodes: SandboxOrthanc[] = [];
  const discard = async () => {
    for (const node of nodes) await node.discard();
    await database.end();
    await rm(storage, { recursive: true, force: true });
  };
  try {
    for (const hook of hooks)
      nodes.push(
        await startOrthanc({
          runtime: 'debian',
          ...(isOlder ? { suite: 'trixie' as const } : {}),
          hook,
          plugins: ['postgresql'],
          configuration: {
            StorageDirectory: storage,
            PostgreSQL: {
              EnableIndex: true,
              EnableStorage: false,
              Lock: false,
              IndexConnectionsCount: 5,
              Host: hostname,
              Port: Number(port),
              Username: username,
              Password: password,
              Database: name,
            },
          },
        }),
      );
    // 5101: `Radiograph` of instances and groups.
    await database.query(`
      CREATE TABLE written (number BIGSERIAL, id BIGINT, value TEXT);
      CREATE FUNCTION note() RETURNS trigger AS $$
        BEGIN INSERT INTO written (id, value) VALUES (NEW.id, NEW.value); RETURN NEW; END $$ LANGUAGE plpgsql;
      CREATE TRIGGER note AFTER INSERT OR UPDATE ON Metadata
        FOR EACH ROW WHEN (NEW.type = 5101) EXECUTE FUNCTION note();`);
  } catch (error) {
    await discard();
    throw error;
  }
  return {
    nodes,
    recordsWritten: async () => {
      const { rows } = await database.query<{ instance: string; value: string }>(
        `SELECT publicId AS instance, value FROM written JOIN Resources ON internalId = written.id
         WHERE resourceType = 3 ORDER BY number`,
      );
      return rows.map(({ instance, value }) => ({ instance, record: recordOf.parse(value) }));
    },
    discard,
  };
}
