import { Client } from 'pg';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SharedLocks } from '../../../src/store/postgresql/open.js';
import { TestArchive } from '../../../testkit/members.js';
import { type Postgresql, startPostgresql } from '../../../testkit/postgresql.js';
import { waitFor } from '../../../testkit/wait-for.js';

const server = await startPostgresql();
if (server === undefined)
  console.warn('PostgreSQL is not installed: the tests of locks across processes are skipped.');

describe.skipIf(server === undefined)('a lock that processes share', () => {
  afterAll(() => server?.stop());
  let archive: TestArchive;
  beforeEach(async () => {
    archive = await TestArchive.create(server as Postgresql);
  });
  afterEach(() => archive.close());

  async function start(who: string) {
    const member = await archive.start(who);
    return { ...member, locks: new SharedLocks(member.database, member.membership) };
  }
  /** Takes the lock and holds it. @returns what lets it go */
  async function hold(locks: SharedLocks): Promise<() => void> {
    let letGo = () => {};
    await new Promise<void>((isHeld) => {
      locks
        .exclusive('instance', 'a', () => {
          isHeld();
          return new Promise<void>((resolve) => {
            letGo = resolve;
          });
        })
        .catch(() => undefined);
    });
    return letGo;
  }
  const rows = async () => {
    const database = await archive.open();
    return (await database.query('SELECT FROM plainview.locks')).count;
  };

  test('is with one task at a time, whatever process it is of', async () => {
    const all = await Promise.all(['one', 'two', 'three'].map(start));
    let running = 0;
    let most = 0;
    let runs = 0;
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        all[index % 3]?.locks[index % 2 === 0 ? 'exclusive' : 'shared']('instance', 'a', async () => {
          most = Math.max(most, ++running);
          await new Promise(setImmediate);
          runs++;
          running--;
        }),
      ),
    );
    expect(most).toBe(1);
    // Those that are shared, at least once in each process.
    expect(runs).toBeGreaterThanOrEqual(30 + 3);
    expect(await rows()).toBe(0);
  });

  test.each(['leaves', 'dies'])('is free for others when its process %s', async (how) => {
    const [one, two] = [await start('one'), await start('two')];
    await hold(one.locks);
    let isTaken = false;
    const taken = two.locks.exclusive('instance', 'a', async () => {
      isTaken = true;
    });
    await two.locks.exclusive('instance', 'b', async () => undefined);
    expect(isTaken).toBe(false);
    if (how === 'leaves') await one.membership.leave();
    else await two.database.query("DELETE FROM plainview.members WHERE who = 'one'");
    await taken;
  });

  test('is refused to a process that is a member no more, and so is what waits for it', async () => {
    const [one, two] = [await start('one'), await start('two')];
    await hold(two.locks);
    const waiting = one.locks.exclusive('instance', 'a', async () => 'run').catch((error: unknown) => error);
    await two.database.query("DELETE FROM plainview.members WHERE who = 'one'");
    expect(await waiting).toMatchObject({ code: 'lease_lost' });
    await expect(one.locks.exclusive('instance', 'b', async () => 'run')).rejects.toMatchObject({
      code: 'lease_lost',
    });
    expect(await one.membership.lost).toMatchObject({ code: 'lease_lost' });
  });

  test('that could not be released while the database was away is released later', async () => {
    const [one, two] = [await start('one'), await start('two')];
    const letGo = await hold(one.locks);
    one.proxy.isCut = true;
    one.proxy.cut();
    letGo();
    const taken = two.locks.exclusive('instance', 'a', async () => 'taken');
    await waitFor(() => one.proxy.refused > 30);
    one.proxy.isCut = false;
    expect(await taken).toBe('taken');
    expect(await one.locks.exclusive('instance', 'a', async () => 'taken again')).toBe('taken again');
  });

  test('that was taken without an answer, because the database went away, is released later', async () => {
    const one = await start('one');
    const client = new Client(archive.address);
    await client.connect();
    await client.query('BEGIN');
    await client.query("INSERT INTO plainview.locks VALUES ('instance a', 0, 0)");
    let isRun = false;
    const taking = one.locks
      .exclusive('instance', 'a', async () => {
        isRun = true;
      })
      .catch((error: unknown) => error);
    await waitFor(() => archive.someWait());
    one.proxy.isCut = true;
    one.proxy.cut();
    await client.query('ROLLBACK');
    await client.end();
    await waitFor(async () => (await rows()) === 1);
    expect(await taking).toMatchObject({ code: 'database_unusable' });
    expect(isRun).toBe(false);
    one.proxy.isCut = false;
    const two = await start('two');
    expect(await two.locks.exclusive('instance', 'a', async () => 'taken')).toBe('taken');
  });

  test('is not taken from a process that joined while the statement waited', async () => {
    const one = await start('one');
    const client = new Client(archive.address);
    await client.connect();
    await client.query('BEGIN');
    const next = '7';
    await one.database.query(`ALTER TABLE plainview.members ALTER term SET DEFAULT ${next}`);
    await client.query("INSERT INTO plainview.locks VALUES ('instance a', $1, 1)", [next]);
    let isRun = false;
    const taking = one.locks.exclusive('instance', 'a', async () => {
      isRun = true;
    });
    await waitFor(() => archive.someWait());
    const two = await start('two');
    expect(two.membership.term).toBe(next);
    await client.query('COMMIT');
    await client.end();
    await one.locks.exclusive('instance', 'b', async () => undefined);
    await one.locks.exclusive('instance', 'b', async () => undefined);
    expect(isRun).toBe(false);
    await two.membership.leave();
    await taking;
  });
});
