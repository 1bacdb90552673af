import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Config } from '../config/options.js';
import { createApp } from '../http/app.js';
import { HttpServer } from '../http/server.js';
import { standbyRouter } from '../http/standby.js';
import type { Database, Lease } from '../store/postgresql/open.js';
import type { Service, State } from './service-interface.js';

/**
 * Starts a process that keeps its state in a database. It works as soon as it has the lease, and until then answers only
 * that it is a standby.
 * @param startWork starts the service itself
 * @throws cannot_listen
 */
export async function startStandby(
  config: Config & { databaseUrl: string },
  startWork: (state: State) => Promise<Service>,
  log: Logger,
): Promise<Service> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const who = `Plainview on ${hostname()} (process ${process.pid}, ${randomUUID().slice(0, 8)})`;
  let holder = 'not known yet';
  let database: Database | undefined;
  let lease: Lease | undefined;
  let working: Service | undefined;
  let onLost: Service['lost'] extends Promise<infer E> ? (error: E) => void : never = () => undefined;
  const lost: Service['lost'] = new Promise((resolve) => {
    onLost = resolve;
  });
  const server = new HttpServer(createApp([standbyRouter(() => holder)], log), config);
  await server.start();
  let { url } = server;
  log.info({ url }, 'listening');

  const work = async () => {
    const postgresql = await import('../store/postgresql/open.js');
    database = await postgresql.Database.open(config.databaseUrl, log, signal);
    const onHolder = (current: { who: string; since: string }) => {
      holder = `${current.who}, since ${current.since}`;
      log.info({ leader: current }, 'standby: another process works, and this one takes over when it ends');
    };
    lease = await postgresql.Lease.take(database, who, { onHolder, signal, log });
    if (lease === undefined) return;
    void lease.lost.then(onLost);
    await server.stop(AbortSignal.abort());
    const store = new postgresql.PostgresqlStore(database, lease);
    working = await startWork({
      store,
      place: database.place,
      leader: { who, since: new Date().toISOString() },
    });
    url = working.url;
    await working.ready;
  };
  const ready = work().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return {
    get url() {
      return working?.url ?? url;
    },
    ready,
    lost,
    stop: async () => {
      stopping.abort();
      await working?.stop();
      await ready.catch(() => undefined);
      await server.stop(AbortSignal.abort());
      await lease?.release();
      await database?.close();
    },
  };
}
