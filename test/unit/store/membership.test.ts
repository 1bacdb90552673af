import { Client } from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Membership, PostgresqlStore } from '../../../src/store/postgresql/open.js';
import { TestArchive } from '../../../testkit/members.js';
import { type Postgresql, startPostgresql } from '../../../testkit/postgresql.js';
import { waitFor } from '../../../testkit/wait-for.js';

const server = await startPostgresql();
if (server === undefined) console.warn('PostgreSQL is not installed: the tests of its members are skipped.');

describe.skipIf(server === undefined)('members of an archive', () => {
  afterAll(() => server?.stop());
  let archive: TestArchive;
  let lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line).msg) });
  beforeEach(async () => {
    archive = await TestArchive.create(server as Postgresql);
    lines = [];
  });
  afterEach(() => archive.close());

  const isOver = async (membership: Membership) =>
    (await Promise.race([membership.lost, Promise.resolve(undefined)])) !== undefined;
  const who = async (database: Awaited<ReturnType<TestArchive['open']>>) =>
    (await database.query<{ who: string }>('SELECT who FROM plainview.members ORDER BY who')).rows.map(
      (row) => row.who,
    );

  test('have one leader, whom all see; another one follows when it leaves', async () => {
    const database = await archive.open();
    const all = await Promise.all(
      Array.from({ length: 6 }, (_, index) => archive.join(database, `process ${index}`)),
    );
    const seen = await Promise.all(all.map((each) => each.someLeads()));
    const first = all.filter(({ leads }) => leads);
    expect(first).toHaveLength(1);
    expect(new Set(seen.map((each) => each.who))).toEqual(new Set([first[0]?.who]));
    expect(all.map(({ leader }) => leader?.url)).toEqual(all.map(() => `http://${first[0]?.who}.example`));
    await waitFor(() => all.every(({ members }) => members === 6));
    const left = performance.now();
    await first[0]?.leave();
    const others = all.filter((each) => each !== first[0]);
    await waitFor(() => others.some(({ leads }) => leads));
    expect(performance.now() - left).toBeLessThan(5000);
    const next = others.find(({ leads }) => leads);
    await waitFor(() => others.every(({ leader }) => leader?.who === next?.who));
    expect(others.filter(({ leads }) => leads)).toHaveLength(1);
    await waitFor(() => others.every(({ members }) => members === 5));
  });

  test('of which none may lead wait for one that may', async () => {
    const database = await archive.open();
    const worker = await archive.join(database, 'worker', { mayLead: false });
    let isLed = false;
    const waiting = worker.someLeads().then((seen) => {
      isLed = true;
      return seen;
    });
    await waitFor(
      async () =>
        (await database.query("SELECT FROM plainview.members WHERE expires > now() + interval '9.5 seconds'"))
          .count > 0,
    );
    expect(isLed).toBe(false);
    const service = await archive.join(database, 'service');
    expect(await waiting).toEqual({ who: 'service', leads: false });
    await waitFor(() => service.leads);
    expect(worker.leads).toBe(false);
  });

  test('wait for a leader until they leave', async () => {
    const worker = await archive.join(await archive.open(), 'worker', { mayLead: false });
    const waiting = worker.someLeads().catch((error: unknown) => error);
    await worker.leave();
    expect(await waiting).toMatchObject({ code: 'lease_lost' });
    await expect(worker.someLeads()).rejects.toMatchObject({ code: 'lease_lost' });
  });

  test('that leave are not lost', async () => {
    const database = await archive.open();
    const member = await archive.join(database, 'leaves');
    const store = new PostgresqlStore(database, member);
    await member.leave();
    await expect(store.write('late', 1)).rejects.toMatchObject({ code: 'lease_lost' });
    expect(await isOver(member)).toBe(false);
    expect(await who(database)).toEqual([]);
  });

  test('that are not renewed are ended by the leader, which is told, and by nobody else', async () => {
    const database = await archive.open();
    const leader = await archive.join(database, 'leader', { log });
    await leader.someLeads();
    const other = await archive.join(database, 'other', { log });
    await other.someLeads();
    const dead = await archive.join(await archive.open(), 'dead');
    const ended: string[] = [];
    leader.events.on('ended', (name) => ended.push(`leader: ${name}`));
    other.events.on('ended', (name) => ended.push(`other: ${name}`));
    // It renews itself within a second, else.
    await waitFor(async () => {
      await archive.expire(database, 'dead');
      return ended.length > 0;
    });
    expect(ended).toEqual(['leader: dead']);
    expect(await dead.lost).toMatchObject({ code: 'lease_lost', message: expect.stringContaining('dead') });
    expect(dead.ended.aborted).toBe(true);
    expect(lines).toEqual([expect.stringContaining('has ended without a word')]);
    expect(await who(database)).toEqual(['leader', 'other']);
  });

  test('of which the leader dies have another one', async () => {
    const database = await archive.open();
    const leader = await archive.join(await archive.open(), 'leader');
    await leader.someLeads();
    const other = await archive.join(database, 'other');
    await other.someLeads();
    expect(other.leads).toBe(false);
    await waitFor(async () => {
      await archive.expire(database, 'leader');
      return other.leads;
    });
    expect(other.leader?.who).toBe('other');
    await leader.lost;
  });

  test('that were ended change nothing any more', async () => {
    const database = await archive.open();
    const member = await archive.join(database, 'suspended');
    const store = new PostgresqlStore(database, member);
    await store.write('kept', 1);
    await database.query('DELETE FROM plainview.members');
    for (const change of [
      () => store.write('kept', 2),
      () => store.remove('kept'),
      () => store.setAside('kept'),
    ])
      await expect(change()).rejects.toMatchObject({
        code: 'lease_lost',
        message: expect.stringContaining('suspended'),
        transient: true,
      });
    expect(await member.lost).toMatchObject({ code: 'lease_lost' });
    expect(await store.read('kept', z.number())).toBe(1);
  });

  test('a write that is under way while the membership ends is made before it, or not at all', async () => {
    const database = await archive.open();
    const store = new PostgresqlStore(database, await archive.join(database, 'suspended'));
    const client = new Client(archive.address);
    await client.connect();
    await client.query('BEGIN');
    // Another process ends it, but its transaction is not over yet.
    await client.query('DELETE FROM plainview.members');
    const late = store.write('late', 1).catch((error: unknown) => error);
    await waitFor(() => archive.someWait());
    await client.query('COMMIT');
    await client.end();
    expect(await late).toMatchObject({ code: 'lease_lost' });
    expect(await store.has('late')).toBe(false);
  });

  test.each(['an outage', 'a suspension'])(
    'keep their memberships over %s of the database that is longer than these last',
    async (what) => {
      const one = await archive.start('one', { log });
      const two = await archive.start('two', { log });
      await Promise.all([one, two].map(({ membership }) => membership.someLeads()));
      const direct = await archive.open();
      const renewed = async () =>
        (await direct.query('SELECT FROM plainview.members WHERE expires > now()')).count === 2;
      if (what === 'an outage') {
        for (const { proxy } of [one, two]) {
          proxy.isCut = true;
          proxy.cut();
        }
        const cut = performance.now();
        await waitFor(() => performance.now() - cut > 5000);
        await direct.query("UPDATE plainview.members SET expires = now() - interval '1 second'");
        // The others cannot come back for some time.
        one.proxy.isCut = false;
        await waitFor(
          async () => (await direct.query('SELECT FROM plainview.members WHERE expires > now()')).count > 0,
        );
        two.proxy.isCut = false;
      } else {
        const client = new Client(archive.address);
        await client.connect();
        await client.query('BEGIN');
        await client.query('LOCK TABLE plainview.members IN ACCESS EXCLUSIVE MODE');
        await client.query("UPDATE plainview.members SET expires = now() - interval '1 second'");
        const locked = performance.now();
        await waitFor(() => performance.now() - locked > 4000);
        await client.query('COMMIT');
        await client.end();
      }
      await waitFor(renewed);
      expect(await who(direct)).toEqual(['one', 'two']);
      for (const { membership } of [one, two]) expect(await isOver(membership)).toBe(false);
    },
  );

  test('of which the leader alone does not reach Orthanc have another one that does', async () => {
    const database = await archive.open();
    const leader = await archive.join(database, 'leader', { giveUpMs: 1500 });
    await leader.someLeads();
    leader.reachesOrthanc(true);
    const other = await archive.join(database, 'other', { giveUpMs: 1500 });
    const unable = await archive.join(database, 'unable', { giveUpMs: 1500 });
    // Orthanc is away for all: nobody could do better.
    leader.reachesOrthanc(false);
    const away = performance.now();
    await waitFor(() => performance.now() - away > 3000);
    expect(await isOver(leader)).toBe(false);
    other.reachesOrthanc(true);
    expect(await leader.lost).toMatchObject({ code: 'lead_given_up' });
    await leader.leave();
    await waitFor(() => other.leads);
    await waitFor(() => unable.leader?.who === 'other');
  });

  test('whose database answers slowly stay members, and have another leader where theirs dies', async () => {
    const fast = await archive.start('fast');
    await fast.membership.someLeads();
    const slow = await archive.start('slow', { log });
    slow.proxy.delayMs = 450;
    await archive.expire(fast.database, 'fast');
    fast.proxy.cut();
    fast.proxy.isCut = true;
    await waitFor(() => slow.membership.leads, { timeout: 20_000 });
    expect(await isOver(slow.membership)).toBe(false);
  }, 40_000);

  test('whose connections are all in use renew their membership', async () => {
    const busy = await archive.start('busy');
    const other = await archive.start('other');
    await busy.membership.someLeads();
    await other.membership.someLeads();
    // Each takes nearly as long as a statement may.
    const statements = Array.from({ length: 10 }, () => busy.database.query('SELECT pg_sleep(8)'));
    await Promise.allSettled(statements);
    expect(await isOver(busy.membership)).toBe(false);
    expect(busy.membership.leads).toBe(true);
    expect(other.membership.leads).toBe(false);
  }, 60_000);

  test('whose database was away tell so once, and once that it is back', async () => {
    const { proxy, membership, database } = await archive.start('one', { log });
    await membership.someLeads();
    proxy.isCut = true;
    proxy.cut();
    await waitFor(() => proxy.refused > 6);
    proxy.isCut = false;
    await waitFor(async () => (await who(database)).length === 1 && lines.length > 1);
    expect(lines).toEqual([expect.stringContaining('Check that PostgreSQL'), 'the database answers']);
  });

  test('whose database refuses them tell so once, and go on when it is mended', async () => {
    const database = await archive.open(log);
    const member = await archive.join(database, 'one', { log });
    await member.someLeads();
    const failures = async () =>
      Number(
        (
          await database.query<{ n: string }>(
            'SELECT xact_rollback AS n FROM pg_stat_database WHERE datname = current_database()',
          )
        ).rows[0]?.n,
      );
    await database.query('ALTER TABLE plainview.members RENAME TO kept_away');
    const before = await failures();
    await waitFor(async () => (await failures()) > before + 2);
    await database.query('ALTER TABLE plainview.kept_away RENAME TO members');
    await archive.expire(database, 'one');
    await waitFor(
      async () => (await database.query('SELECT FROM plainview.members WHERE expires > now()')).count === 1,
    );
    expect(lines).toEqual(['the table of the members could not be used']);
    expect(await isOver(member)).toBe(false);
  });
});
