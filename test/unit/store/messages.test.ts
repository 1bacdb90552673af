import { pino } from 'pino';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Messages } from '../../../src/store/postgresql/open.js';
import { TestArchive } from '../../../testkit/members.js';
import { type Postgresql, startPostgresql } from '../../../testkit/postgresql.js';
import { waitFor } from '../../../testkit/wait-for.js';

const server = await startPostgresql();
if (server === undefined)
  console.warn('PostgreSQL is not installed: the tests of messages between processes are skipped.');

const log = pino({ level: 'silent' });

describe.skipIf(server === undefined)('messages to the leader', () => {
  afterAll(() => server?.stop());
  let archive: TestArchive;
  beforeEach(async () => {
    archive = await TestArchive.create(server as Postgresql);
  });
  afterEach(() => archive.close());
  async function startLeader() {
    const leader = await archive.start('leader');
    await waitFor(() => leader.membership.leads);
    return leader;
  }
  const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, index) => from + index);

  test('arrive once and in the order of each sender, also those sent before anybody received', async () => {
    const leader = await startLeader();
    const [one, two] = await Promise.all(['one', 'two'].map((who) => archive.start(who)));
    const senders = [one, two].map((each) => each && new Messages(each.database, each.membership, log));
    const send = (from: number) => {
      for (const n of numbers(700, from))
        for (const [index, sender] of senders.entries()) sender?.publish({ sender: index, n });
    };
    send(0);
    const received: { sender: number; n: number }[] = [];
    const receiving = new Messages(leader.database, leader.membership, log).receive((content) =>
      received.push(content as { sender: number; n: number }),
    );
    await waitFor(() => received.length === 1400);
    send(700);
    await waitFor(() => received.length === 2800);
    for (const index of [0, 1])
      expect(received.filter(({ sender }) => sender === index).map(({ n }) => n)).toEqual(numbers(1400));
    await receiving.stop();
    expect((await leader.database.query('SELECT FROM plainview.messages')).count).toBe(0);
  });

  test('wait for the next receiver once one has stopped', async () => {
    const { database, membership } = await startLeader();
    const messages = new Messages(database, membership, log);
    const first: unknown[] = [];
    const receiving = messages.receive((content) => first.push(content));
    messages.publish(1);
    await waitFor(() => first.length === 1);
    await receiving.stop();
    messages.publish(2);
    const second: unknown[] = [];
    const next = messages.receive((content) => second.push(content));
    await waitFor(() => second.length === 1);
    await next.stop();
    expect([first, second]).toEqual([[1], [2]]);
  });

  test('of which a reader refuses one arrive all the same', async () => {
    const { database, membership } = await startLeader();
    const messages = new Messages(database, membership, log);
    for (const n of [1, 2, 3]) messages.publish(n);
    await waitFor(async () => (await database.query('SELECT FROM plainview.messages')).count === 3);
    const received: unknown[] = [];
    const receiving = messages.receive((content) => {
      if (content === 2) throw new Error('refused');
      received.push(content);
    });
    await waitFor(() => received.length === 2);
    await receiving.stop();
    expect(received).toEqual([1, 3]);
  });

  test('are left to the leader by one that believes to lead still', async () => {
    const former = await startLeader();
    const receive = (received: unknown[], { database, membership }: typeof former) =>
      new Messages(database, membership, log).receive((content) => received.push(content));
    const [late, received]: [unknown[], unknown[]] = [[], []];
    const lateReceiving = receive(late, former);
    const next = await archive.start('next');
    await next.database.query('UPDATE plainview.leader SET term = $1', [next.membership.term]);
    new Messages(next.database, next.membership, log).publish(1);
    await waitFor(async () => (await next.database.query('SELECT FROM plainview.messages')).count === 1);
    const receiving = receive(received, next);
    await waitFor(() => received.length === 1);
    await Promise.all([lateReceiving.stop(), receiving.stop()]);
    expect([late, received]).toEqual([[], [1]]);
  });

  test('wait while the database is away, and keep their order', async () => {
    const leader = await startLeader();
    const one = await archive.start('one');
    const received: unknown[] = [];
    const receiving = new Messages(leader.database, leader.membership, log).receive((content) =>
      received.push(content),
    );
    const messages = new Messages(one.database, one.membership, log);
    messages.publish(0);
    await waitFor(() => received.length === 1);
    for (const { proxy } of [one, leader]) {
      proxy.isCut = true;
      proxy.cut();
    }
    for (const n of numbers(10, 1)) messages.publish(n);
    // For longer than statements are repeated.
    await waitFor(() => one.proxy.refused > 60);
    for (const n of numbers(10, 11)) messages.publish(n);
    for (const { proxy } of [one, leader]) proxy.isCut = false;
    await waitFor(() => received.length === 21);
    expect(received).toEqual(numbers(21));
    await receiving.stop();
  });
});
