import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Config } from '../config/options.js';
import type { PlainviewError } from '../errors/errors.js';
import { createApp } from '../http/app.js';
import { HttpServer } from '../http/server.js';
import { standbyRouter } from '../http/standby.js';
import type { Database, Holder, Lease } from '../store/postgresql/open.js';
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
  let holder: Holder | undefined;
  let database: Database | undefined;
  let lease: Lease | undefined;
  let working: Service | undefined;
  let onLost = (_: PlainviewError): void => undefined;
  const lost: Service['lost'] = new Promise((resolve) => {
    onLost = resolve;
  });
  // That a standby refuses requests is not worth a line for each.
  const app = createApp([standbyRouter(() => holder)], log.child({}, { level: 'error' }));
  const server = new HttpServer(app, config);
  await server.start();
  const { url } = server;
  log.info({ url }, 'listening');

  const takeOver = async () => {
    const postgresql = await import('../store/postgresql/open.js');
    database = await postgresql.Database.open(config.databaseUrl, log, signal);
    const onHolder = (current: Holder) => {
      holder = current;
      log.info({ leader: current }, 'standby: another process works, and this one takes over when it ends');
    };
    lease = await postgresql.Lease.take(database, who, { onHolder, signal, log });
    if (lease === undefined) return;
    void lease.lost.then(onLost);
    const leader = { who, since: lease.since };
    log.info({ leader }, 'this process works now');
    await server.stop(AbortSignal.abort());
    const store = new postgresql.PostgresqlStore(database, lease);
    working = await startWork({ store, place: database.place, leader });
  };
  const takenOver = takeOver();
  const ready = takenOver
    .then(() => working?.ready)
    .catch((error: unknown) => {
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
      // What has begun to work must be stopped. `ready` tells why it could not begin.
      await takenOver.catch(() => undefined);
      await working?.stop();
      await server.stop(AbortSignal.abort());
      await lease?.release();
      await database?.close();
    },
  };
}
