import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hookKey } from '../../src/access/keys.js';
import { freePort } from '../../src/sandbox/ports.js';
import { callApi } from '../../testkit/api.js';
import { image } from '../../testkit/dicom.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { startPostgresql } from '../../testkit/postgresql.js';
import { Reader } from '../../testkit/service.js';
import { ServiceProcess } from '../../testkit/service-process.js';
import { startTcpProxy, type TcpProxy } from '../../testkit/tcp-proxy.js';

const real = useOrthanc();
const server = await startPostgresql();
if (server === undefined)
  console.warn('PostgreSQL is not installed: the tests of services that lose a connection are skipped.');
afterAll(() => server?.stop());

const secret = randomUUID();

/** A service, and what it reaches Orthanc and PostgreSQL through. */
interface Placed {
  service: ServiceProcess;
  orthanc: TcpProxy;
  postgresql: TcpProxy;
}
const placed: Placed[] = [];
afterEach(async () => {
  for (const { service, orthanc, postgresql } of placed.splice(0)) {
    await service.discard();
    await orthanc.stop();
    await postgresql.stop();
  }
});

let database = '';
let databases = 0;
beforeEach(async () => {
  const name = `partitions_${process.pid}_${databases++}`;
  await server?.pool.query(`CREATE DATABASE ${name}`);
  database = server?.url(name) ?? '';
});

const proxyOf = (address: string) => {
  const { hostname, port } = new URL(address);
  return startTcpProxy(hostname, Number(port));
};

async function start(env: Record<string, string> = {}, cli?: string): Promise<Placed> {
  const [orthanc, postgresql] = await Promise.all([proxyOf(real.orthanc.url), proxyOf(database)]);
  const address = new URL(database);
  address.host = `127.0.0.1:${postgresql.port}`;
  const service = new ServiceProcess({
    orthanc: `http://127.0.0.1:${orthanc.port}`,
    port: await freePort(),
    secret,
    env: {
      PLAINVIEW_DATABASE_URL: address.href,
      PLAINVIEW_CHANGES_POLL_MS: '100',
      PLAINVIEW_WORKERS: '1',
      ...env,
    },
    ...(cli === undefined ? {} : { cli }),
  });
  const each = { service, orthanc, postgresql };
  placed.push(each);
  service.start();
  return each;
}

/** The first one leads. */
async function startBoth(): Promise<[Placed, Placed]> {
  const first = await start();
  await first.service.ready();
  const second = await start();
  await second.service.ready();
  return [first, second];
}

const reader = () => new Reader(real.orthanc.url);
const cut = (proxy: TcpProxy) => {
  proxy.isCut = true;
  proxy.cut();
};
const lines = ({ service }: Placed, text: string) =>
  service
    .log()
    .split('\n')
    .filter((line) => line.includes(text));

describe.skipIf(server === undefined)('services of one archive', () => {
  test('have another one that leads where the leader alone loses Orthanc', async () => {
    const [first, second] = await startBoth();
    cut(first.orthanc);
    // Only the leader reads the change log.
    const stored = await real.storeInstance(image());
    await waitFor(() => second.service.leads(), { what: 'another leader', timeout: 90_000 });
    await reader().decided(stored.orthancId);
    await waitFor(() => first.service.hasEnded(), { timeout: 30_000 });
    expect(first.service.exitStatus()).toBe(1);
    expect(lines(first, 'does not reach Orthanc, but another one does')).toHaveLength(1);
    // Its supervisor starts it again: it leaves the lead where it is, and goes on by itself.
    first.service.start();
    await waitFor(() => lines(first, 'another process leads').length > 0, { timeout: 60_000 });
    expect(await second.service.leads()).toBe(true);
    first.orthanc.isCut = false;
    await first.service.ready();
    expect((await callApi(first.service, 'GET', '/status')).status).toBe(200);
  }, 240_000);

  test('tell of a configuration that differs', async () => {
    const one = await start();
    await one.service.ready();
    const other = await start({ PLAINVIEW_LABEL_PREFIX: 'xr-', PLAINVIEW_SECRET: randomUUID() });
    await waitFor(() => lines(one, 'has another value of').length > 0, { timeout: 30_000 });
    await waitFor(() => lines(other, 'has another value of').length > 0, { timeout: 30_000 });
    const [told] = lines(one, 'has another value of');
    expect(told).toContain('PLAINVIEW_SECRET');
    expect(told).toContain('PLAINVIEW_LABEL_PREFIX');
    expect(one.service.log()).not.toContain(secret);
  }, 90_000);

  test.runIf(process.env.OLD)('XX rolling', async () => {
    const old = await start({ PLAINVIEW_ADDRESS: '' }, '/tmp/oldmain/dist/cli.js');
    await old.service.ready();
    const standby = await start({ PLAINVIEW_ADDRESS: '' }, '/tmp/oldmain/dist/cli.js');
    await waitFor(() => standby.service.log().includes('stand'), { timeout: 30_000 }).catch(() => undefined);
    const next = await start();
    await next.service.ready();
    await waitFor(() => old.service.hasEnded(), { timeout: 30_000 }).catch(() => undefined);
    console.log('OLD', old.service.hasEnded(), old.service.exitStatus(), old.service.log().slice(-900));
    console.log('STANDBY', standby.service.hasEnded(), standby.service.log().slice(-900));
    old.service.start();
    await waitFor(() => old.service.hasEnded(), { timeout: 30_000 }).catch(() => undefined);
    console.log('OLD again', old.service.hasEnded(), old.service.log().slice(-500));
  }, 120_000);
});
