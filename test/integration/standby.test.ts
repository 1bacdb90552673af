import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hookKey } from '../../src/access/keys.js';
import { freePort } from '../../src/sandbox/ports.js';
import { callApi } from '../../testkit/api.js';
import { image } from '../../testkit/dicom.js';
import { leftovers } from '../../testkit/leftovers.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { startPostgresql } from '../../testkit/postgresql.js';
import { Reader } from '../../testkit/service.js';
import { ServiceProcess } from '../../testkit/service-process.js';

const real = useOrthanc();
const reader = () => new Reader(real.orthanc.url);
const server = await startPostgresql();
if (server === undefined) console.warn('PostgreSQL is not installed: the tests of a standby are skipped.');
afterAll(() => server?.stop());

const secret = randomUUID();
const processes: ServiceProcess[] = [];
afterEach(async () => {
  for (const each of processes.splice(0)) await each.discard();
});

let database = '';
let databases = 0;
beforeEach(async () => {
  const name = `standby_${process.pid}_${databases++}`;
  await server?.pool.query(`CREATE DATABASE ${name}`);
  database = server?.url(name) ?? '';
});

/** A process that keeps its state in the database. Does not wait until it works. */
async function start(): Promise<ServiceProcess> {
  const service = new ServiceProcess({
    orthanc: real.orthanc.url,
    port: await freePort(),
    secret,
    env: { PLAINVIEW_DATABASE_URL: database, PLAINVIEW_CHANGES_POLL_MS: '100', PLAINVIEW_WORKERS: '1' },
  });
  processes.push(service);
  service.start();
  return service;
}

const readiness = async ({ url }: ServiceProcess) => {
  const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
  return answer && { status: answer.status, ...((await answer.json()) as object) };
};
const standsBy = (service: ServiceProcess) =>
  waitFor(async () => /standby: another process works/.test(service.log()) && (await readiness(service)), {
    what: 'the standby',
    timeout: 30_000,
  });

async function decided(file = image()) {
  const stored = await real.storeInstance(file);
  await reader().decided(stored.orthancId);
  return stored;
}
async function correct(by: ServiceProcess, id: string, category: string): Promise<number> {
  const body = { category, of: (await reader().record(id))?.when };
  return (await callApi(by, 'PUT', `/instances/${id}/decision`, { body })).status;
}

describe.skipIf(server === undefined)('of two services on one database', () => {
  test('one works; the other says that it stands by, refuses the rest, and takes over when the first is killed', async () => {
    const first = await start();
    await first.ready();
    const second = await start();
    expect(await standsBy(second)).toMatchObject({
      status: 503,
      ready: false,
      standby: true,
      leader: { who: expect.stringContaining('Plainview on ') },
    });
    expect(await second.metric('plainview_leader')).toBe(0);
    expect(await first.metric('plainview_leader')).toBe(1);
    expect((await fetch(`${second.url}/health/live`)).status).toBe(200);
    const notice = await fetch(`${second.url}/hook`, {
      method: 'POST',
      headers: { 'x-plainview-hook-key': hookKey(secret) },
      body: '{}',
    });
    expect(notice.status).toBe(503);
    expect(await notice.json()).toMatchObject({ code: 'standby' });

    const file = image();
    const before = await decided(file);
    expect(await correct(first, before.orthancId, 'hand_ap')).toBe(200);
    await first.kill();
    const meanwhile = await real.storeInstance(image());
    const died = performance.now();
    await second.ready();
    expect(performance.now() - died).toBeLessThan(30_000);
    await reader().decided(meanwhile.orthancId);
    // What people said at the first is known to the second.
    await fetch(`${real.orthanc.url}/instances/${before.orthancId}`, { method: 'DELETE' });
    await real.storeInstance(file);
    await waitFor(async () => (await reader().record(before.orthancId))?.who === 'person');
    expect(await reader().record(before.orthancId)).toMatchObject({ category: 'hand_ap', who: 'person' });
    expect(second.faults()).toEqual([]);
  }, 120_000);

  test('the other takes over at once when the first is stopped', async () => {
    const first = await start();
    await first.ready();
    const second = await start();
    await standsBy(second);
    const stopped = performance.now();
    await first.stop();
    await second.ready();
    expect(performance.now() - stopped).toBeLessThan(9000);
  }, 60_000);

  test('one that was suspended and wakes up changes nothing, and ends', async () => {
    const first = await start();
    await first.ready();
    const second = await start();
    await standsBy(second);
    const stored = await decided();
    first.freeze();
    await second.ready();
    expect(await correct(second, stored.orthancId, 'wrist_ap')).toBe(200);
    const late = correct(first, stored.orthancId, 'foot_ap').catch(() => 'no answer');
    first.thaw();
    expect(await late).not.toBe(200);
    await waitFor(() => first.log().includes('has taken over'), { timeout: 20_000 });
    await waitFor(async () => (await readiness(first)) === undefined, { timeout: 30_000 });
    expect(await reader().record(stored.orthancId)).toMatchObject({ category: 'wrist_ap' });
    expect(await leftovers(reader(), [stored])).toEqual([]);
  }, 90_000);
});
