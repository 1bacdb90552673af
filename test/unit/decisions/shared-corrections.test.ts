import { pino } from 'pino';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CorrectionStore } from '../../../src/decisions/correction-store.js';
import { instanceRecord } from '../../../src/decisions/schema.js';
import { instanceId } from '../../../src/orthanc/ids.js';
import { PostgresqlStore, SharedLocks } from '../../../src/store/postgresql/open.js';
import { TestArchive } from '../../../testkit/members.js';
import { type Postgresql, startPostgresql } from '../../../testkit/postgresql.js';

const server = await startPostgresql();
if (server === undefined)
  console.warn(
    "PostgreSQL is not installed: the tests of several processes that keep people's decisions are skipped.",
  );

const log = pino({ level: 'silent' });
const id = (n: number) => instanceId.parse(`${n.toString(16).padStart(8, '0')}${'-00000000'.repeat(4)}`);
const decision = instanceRecord.omit({ version: true, labels: true }).parse({
  decision: 'category',
  category: 'Hand',
  reason: 'a person said so',
  top: [],
  network: { name: 'test', sha256: '0'.repeat(64) },
  engine: 'test',
  when: '2026-01-01T00:00:00.000Z',
  ms: 0,
  who: 'person',
});

describe.skipIf(server === undefined)("people's decisions that several processes keep", () => {
  afterAll(() => server?.stop());
  let archive: TestArchive;
  beforeEach(async () => {
    archive = await TestArchive.create(server as Postgresql);
  });
  afterEach(() => archive.close());

  test('at the same time are all found, though their pictures share an index', async () => {
    const stores = await Promise.all(
      ['one', 'two'].map(async (who) => {
        const { database, membership } = await archive.start(who);
        return new CorrectionStore(
          new PostgresqlStore(database, membership),
          new SharedLocks(database, membership),
          log,
        );
      }),
    );
    const count = 30;
    await Promise.all(
      Array.from({ length: count }, (_, n) =>
        stores[n % 2]?.keep(id(n), { pixels: `pixels${n}`, traits: 'same', sopInstanceUid: '1.2', decision }),
      ),
    );
    for (const store of stores)
      expect((await store.ofUid('1.2')).map(({ pixels }) => pixels).toSorted()).toEqual(
        Array.from({ length: count }, (_, n) => `pixels${n}`).toSorted(),
      );
  });
});
