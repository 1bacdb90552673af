import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../../src/sandbox/ports.js';
import { callApi } from '../../testkit/api.js';
import { image } from '../../testkit/dicom.js';
import { useOrthanc, waitFor, withOrthanc } from '../../testkit/orthanc.js';
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

async function start(env: Record<string, string> = {}): Promise<Placed> {
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

const clockThatIsOff = (ms: number) =>
  `data:text/javascript,${encodeURIComponent(`const Real = Date;
globalThis.Date = class extends Real {
  constructor(...args) { args.length === 0 ? super(Real.now() + ${ms}) : super(...args); }
  static now() { return Real.now() + ${ms}; }
};`)}`;

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
    expect(lines(first, 'does not reach Orthanc, and another one is better off')).toHaveLength(1);
    // Its supervisor starts it again: it leaves the lead where it is, and goes on by itself.
    first.service.start();
    await waitFor(() => lines(first, 'another process leads').length > 0, { timeout: 60_000 });
    expect(await second.service.leads()).toBe(true);
    first.orthanc.isCut = false;
    await first.service.ready();
    expect((await callApi(first.service, 'GET', '/status')).status).toBe(200);
  }, 240_000);

  test('have another one that leads where the clock of the leader is wrong: nobody could sign in', async () => {
    const wrong = await start({ NODE_OPTIONS: `--import "${clockThatIsOff(3_600_000)}"` });
    await wrong.service.ready();
    const right = await start();
    await right.service.ready();
    expect((await callApi(right.service, 'GET', '/me')).status).toBe(401);
    await waitFor(() => right.service.leads(), { what: 'another leader', timeout: 90_000 });
    expect((await callApi(right.service, 'GET', '/me')).status).toBe(200);
    await wrong.service.logged(/the clock of this machine differs/);
    expect(lines(wrong, 'the clock of this machine differs')).toHaveLength(1);
  }, 150_000);

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

  test('of which one works on another Orthanc are told so, and it takes none of their radiographs', async () => {
    const right = await start();
    await right.service.ready();
    for (let n = 0; n < 3; n++) await reader().decided((await real.storeInstance(image())).orthancId);
    await withOrthanc({}, async (other) => {
      const wrong = await start({ PLAINVIEW_ORTHANC_URL: other.url });
      await waitFor(() => lines(wrong, 'must work on the same Orthanc').length > 0, { timeout: 30_000 });
      const stored = await Promise.all(Array.from({ length: 12 }, () => real.storeInstance(image())));
      for (const { orthancId } of stored) await reader().decided(orthancId);
      expect((await fetch(`${wrong.service.url}/health/ready`)).status).toBe(503);
      expect(await wrong.service.metric('plainview_skipped_total{why="gone"}')).toBe(0);
      expect(lines(wrong, 'must work on the same Orthanc')).toHaveLength(1);
      await wrong.service.stop();
    });
  }, 120_000);

  test('go on after the change log of their Orthanc was cleared', async () => {
    const [, second] = await startBoth();
    await reader().decided((await real.storeInstance(image())).orthancId);
    await fetch(`${real.orthanc.url}/changes`, { method: 'DELETE' });
    cut(second.orthanc);
    await waitFor(async () => (await second.service.metric('plainview_orthanc_up')) === 0, {
      timeout: 30_000,
    });
    second.orthanc.isCut = false;
    await second.service.ready();
    await reader().decided((await real.storeInstance(image())).orthancId);
  }, 120_000);
});
