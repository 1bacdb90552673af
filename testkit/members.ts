import { randomUUID } from 'node:crypto';
import { type Logger, pino } from 'pino';
import { Database, Membership } from '../src/store/postgresql/open.js';
import type { Postgresql } from './postgresql.js';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';

const silent = pino({ level: 'silent' });

export interface Member {
  database: Database;
  membership: Membership;
  /** All that this member's process sends to the database. */
  proxy: TcpProxy;
}

/** What a test asks the database itself, and the processes of its archive. */
export class TestArchive {
  /** Of a new database. */
  readonly address: string;
  readonly #pool: Postgresql['pool'];
  readonly #closing: (() => Promise<void>)[] = [];

  private constructor(address: string, pool: Postgresql['pool']) {
    this.address = address;
    this.#pool = pool;
  }

  static async create({ pool, url }: Postgresql): Promise<TestArchive> {
    const name = `plainview_${randomUUID().replaceAll('-', '')}`;
    await pool.query(`CREATE DATABASE ${name}`);
    return new TestArchive(url(name), pool);
  }

  /** @param through where the connections go instead */
  async open(log: Logger = silent, through?: TcpProxy): Promise<Database> {
    const address = new URL(this.address);
    if (through !== undefined) address.host = `127.0.0.1:${through.port}`;
    const database = await Database.open(address.href, log, new AbortController().signal);
    this.#closing.push(() => database.close());
    return database;
  }

  async join(
    database: Database,
    who: string,
    { mayLead = true, log = silent, giveUpMs }: { mayLead?: boolean; log?: Logger; giveUpMs?: number } = {},
  ): Promise<Membership> {
    const url = `http://${who}.example`;
    const membership = await Membership.join(database, { who, url, mayLead, giveUpMs, log });
    this.#closing.push(() => membership.leave());
    return membership;
  }

  /** A member as a process of its own is, whose connections a test can break. */
  async start(who: string, options: { mayLead?: boolean; log?: Logger } = {}): Promise<Member> {
    const { hostname, port } = new URL(this.address);
    const proxy = await startTcpProxy(hostname, Number(port));
    this.#closing.push(() => proxy.stop());
    const database = await this.open(options.log, proxy);
    return { database, proxy, membership: await this.join(database, who, options) };
  }

  /** As long as a member was suspended or killed. */
  expire(database: Database, who: string): Promise<unknown> {
    return database.query(
      "UPDATE plainview.members SET expires = now() - interval '1 second' WHERE who = $1",
      [who],
    );
  }

  /** To be called before `close`, and in the order of the opposite. */
  onClose(close: () => Promise<void>): void {
    this.#closing.push(close);
  }

  /** Ends the connections that wait for a lock, or all. */
  async cut(which: 'waiting' | 'all'): Promise<number> {
    const { rowCount } = await this.#pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = $1 AND application_name = 'plainview' AND ($2 OR wait_event_type = 'Lock')`,
      [new URL(this.address).pathname.slice(1), which === 'all'],
    );
    return rowCount ?? 0;
  }

  /** Whether a statement waits for a lock. */
  async someWait(): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      "SELECT FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'",
      [new URL(this.address).pathname.slice(1)],
    );
    return (rowCount ?? 0) > 0;
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close();
  }
}
