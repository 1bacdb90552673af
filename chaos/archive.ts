import { randomUUID } from 'node:crypto';
import { freePort } from '../src/sandbox/ports.js';
import { type Nodes, startNodes } from '../testkit/nodes.js';
import { type Postgresql, startPostgresql } from '../testkit/postgresql.js';
import { ServiceProcess } from '../testkit/service-process.js';
import { waitFor } from '../testkit/wait-for.js';

/** Two Orthancs on one PostgreSQL server, and services that share another database of it. */
export interface Archive extends Omit<Nodes, 'discard'> {
  /** The addresses of the Orthancs. */
  readonly urls: readonly string[];
  readonly services: readonly ServiceProcess[];
  readonly postgresql: Postgresql;
  /** Each process that ended by itself. It was started again. */
  readonly ends: readonly End[];
  /** Ends a service by SIGKILL. It is started again at once. */
  kill(service: ServiceProcess): Promise<void>;
  /** Waits until exactly one leads. */
  leader(): Promise<ServiceProcess>;
  /** No service is started again after that. */
  stopServices(): Promise<void>;
}

interface End {
  service: ServiceProcess;
  /** null after a signal. */
  status: number | null;
}

const nodeCount = 2;

/**
 * Runs `use` with an empty archive. The first two services are those that the hooks of the two Orthancs call.
 * @returns undefined where PostgreSQL is not installed
 */
export async function withArchive<T>(
  options: { services: number; env?: Record<string, string> },
  use: (archive: Archive) => Promise<T>,
): Promise<T | undefined> {
  const postgresql = await startPostgresql();
  if (postgresql === undefined) return undefined;
  const secret = randomUUID();
  const ports: number[] = [];
  while (ports.length < options.services) ports.push(await freePort());
  const hooks = ports.slice(0, nodeCount).map((port) => ({ url: `http://127.0.0.1:${port}/hook`, secret }));
  const services: ServiceProcess[] = [];
  let nodes: Nodes | undefined;
  let supervisor: Supervisor | undefined;
  try {
    nodes = await startNodes(postgresql, `chaos_orthanc_${process.pid}`, hooks);
    const database = `chaos_${process.pid}`;
    await postgresql.pool.query(`CREATE DATABASE ${database}`);
    const urls = nodes.nodes.map(({ url }) => url);
    for (const port of ports)
      services.push(
        new ServiceProcess({
          orthanc: urls.join(),
          port,
          secret,
          env: {
            PLAINVIEW_DATABASE_URL: postgresql.url(database),
            PLAINVIEW_WORKERS: '1',
            PLAINVIEW_CHANGES_POLL_MS: '500',
            ...options.env,
          },
        }),
      );
    supervisor = new Supervisor(services);
    return await use({
      ...nodes,
      urls,
      services,
      postgresql,
      ends: supervisor.ends,
      kill: supervisor.kill,
      leader: () =>
        waitFor(
          async () => {
            const leading = await Promise.all(services.map((service) => service.leads()));
            const leaders = services.filter((_, index) => leading[index]);
            return leaders.length === 1 && leaders[0];
          },
          { what: 'exactly one leader', timeout: 60_000, everyMs: 100 },
        ),
      stopServices: async () => {
        supervisor?.end();
        for (const service of services) await service.stop();
      },
    });
  } finally {
    supervisor?.end();
    for (const service of services) await service.discard();
    await nodes?.discard();
    await postgresql.stop();
  }
}

/** Starts services, and starts each again whenever it ends, as systemd does. */
class Supervisor {
  readonly ends: End[] = [];
  readonly #killed = new Set<ServiceProcess>();
  readonly #timer: NodeJS.Timeout;

  constructor(services: readonly ServiceProcess[]) {
    for (const service of services) service.start();
    this.#timer = setInterval(() => {
      for (const service of services) if (service.hasEnded()) this.#startAgain(service);
    }, 200);
  }

  kill = async (service: ServiceProcess): Promise<void> => {
    this.#killed.add(service);
    await service.kill();
  };

  end(): void {
    clearInterval(this.#timer);
  }

  #startAgain(service: ServiceProcess): void {
    if (!this.#killed.delete(service)) this.ends.push({ service, status: service.exitStatus() });
    service.start();
  }
}
