import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Config } from '../config/options.js';
import type { PlainviewError } from '../errors/errors.js';
import type { HttpServer } from '../http/server.js';
import type { Database, Membership } from '../store/postgresql/open.js';
import type { Service, State } from './service-interface.js';
import { differing } from './settings.js';

interface Sharing {
  server: HttpServer;
  mayLead: boolean;
  /** What must be alike at all processes of the archive: see `settingsOf`. */
  settings: Record<string, string>;
  log: Logger;
}

const isLoopback = (host: string): boolean => /^(localhost|127\..*|::1)$/i.test(host);

/**
 * Starts a process that shares an archive with others: state, queue and locks are in a database. It listens from now on,
 * and works as soon as the database answers.
 * @param startWork starts the service itself
 * @throws cannot_listen
 */
export async function startShared(
  config: Config & { databaseUrl: string },
  { server, mayLead, settings, log }: Sharing,
  startWork: (state: State) => Promise<Service>,
): Promise<Service> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const who = `Plainview on ${hostname()} (process ${process.pid}, ${randomUUID().slice(0, 8)})`;
  let database: Database | undefined;
  let membership: Membership | undefined;
  let working: Service | undefined;
  let onLost = (_: PlainviewError): void => undefined;
  const lost: Service['lost'] = new Promise((resolve) => {
    onLost = resolve;
  });
  await server.start();
  log.info({ url: server.url }, 'listening');
  const url = config.address ?? `http://${hostname()}:${new URL(server.url).port}`;
  // Where PLAINVIEW_ADDRESS is set, something on this machine may pass requests on.
  if (mayLead && config.address === undefined && isLoopback(config.host))
    log.warn(
      `others cannot reach this process at ${url} while it leads, because it listens on ${config.host} only: set PLAINVIEW_HOST (docs/scaling.md)`,
    );

  const join = async () => {
    const postgresql = await import('../store/postgresql/open.js');
    const { PostgresqlQueue } = await import('../queue/postgresql.js');
    const opened = await postgresql.Database.open(config.databaseUrl, log, signal);
    database = opened;
    const joined = await postgresql.Membership.join(opened, { who, url, mayLead, settings, log });
    membership = joined;
    void joined.lost.then(onLost);
    joined.events.on('leads', () => log.info({ leader: who }, 'this process leads now'));
    joined.events.on('joined', ({ who: member, settings: theirs }) => {
      const different = differing(settings, theirs);
      if (different.length > 0)
        log.warn(
          { member },
          `another process that works on this archive has another value of ${different.join(', ')}: give all the same`,
        );
    });
    joined.events.on('leader', ({ who: leader, url: at }) =>
      log.info({ leader, at }, 'another process leads'),
    );
    const locks = new postgresql.SharedLocks(opened, joined);
    const messages = new postgresql.Messages(opened, joined, log);
    const service = await startWork({
      store: new postgresql.PostgresqlStore(opened, joined),
      place: opened.place,
      locks,
      createQueue: (parts) => new PostgresqlQueue({ ...parts, database: opened, membership: joined, locks }),
      audit: postgresql.auditTable(opened),
      shared: Object.assign(joined, { messages }),
    });
    working = service;
    void service.lost.then(onLost);
  };
  const joining = join();
  return {
    get url() {
      return server.url;
    },
    ready: joining
      .then(() => working?.ready)
      .catch((error: unknown) => {
        if (!signal.aborted) throw error;
      }),
    lost,
    longestRun: () => working?.longestRun() ?? 0,
    stop: async () => {
      stopping.abort();
      // What has begun to work must be stopped. `ready` tells why it could not begin.
      await joining.catch(() => undefined);
      await working?.stop();
      await server.stop(AbortSignal.abort());
      await membership?.leave();
      await database?.close();
    },
  };
}
