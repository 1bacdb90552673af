import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hookKey } from '../../src/access/keys.js';
import { freePort } from '../../src/sandbox/ports.js';
import { callApi } from '../../testkit/api.js';
import { image } from '../../testkit/dicom.js';
import { leftovers } from '../../testkit/leftovers.js';
import { Listener } from '../../testkit/listener.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { startPostgresql } from '../../testkit/postgresql.js';
import { head, rulesFolder } from '../../testkit/rules.js';
import { Reader } from '../../testkit/service.js';
import { ServiceProcess } from '../../testkit/service-process.js';
import { fetchSigned, signed } from '../../testkit/signed.js';
import { isOlder } from '../../testkit/variants.js';

const real = useOrthanc();
const reader = () => new Reader(real.orthanc.url);
const server = await startPostgresql();
if (server === undefined)
  console.warn('PostgreSQL is not installed: the tests of several services on one archive are skipped.');
afterAll(() => server?.stop());

const secret = randomUUID();
const processes: ServiceProcess[] = [];
afterEach(async () => {
  for (const each of processes.splice(0)) await each.discard();
});

let database = '';
let databases = 0;
beforeEach(async () => {
  const name = `shared_${process.pid}_${databases++}`;
  await server?.pool.query(`CREATE DATABASE ${name}`);
  database = server?.url(name) ?? '';
});

/** A process that works on the archive. Does not wait until it does. */
async function start(
  env: Record<string, string> = {},
  command: 'serve' | 'work' = 'serve',
): Promise<ServiceProcess> {
  const port = await freePort();
  const service = new ServiceProcess({
    orthanc: real.orthanc.url,
    port,
    secret,
    command,
    env: {
      PLAINVIEW_DATABASE_URL: database,
      PLAINVIEW_ADDRESS: `http://127.0.0.1:${port}`,
      PLAINVIEW_CHANGES_POLL_MS: '100',
      PLAINVIEW_WORKERS: '1',
      ...env,
    },
  });
  processes.push(service);
  service.start();
  return service;
}

/** The first one leads. */
async function startAll(count: number, env: Record<string, string> = {}): Promise<ServiceProcess[]> {
  const first = await start(env);
  await first.ready();
  const others = await Promise.all(Array.from({ length: count - 1 }, () => start(env)));
  for (const each of others) await each.ready();
  return [first, ...others];
}

const readiness = async ({ url }: ServiceProcess) => {
  const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
  return answer && { status: answer.status, ...((await answer.json()) as object) };
};
/** Whether a service leads, and answers people. */
const leads = async (service: ServiceProcess) => {
  const known: { status?: number; leads?: boolean } | undefined = await readiness(service);
  return known?.status === 200 && known.leads === true;
};
const decisions = async (service: ServiceProcess): Promise<number> => {
  const lines = (await (await fetch(`${service.url}/metrics`)).text()).split('\n');
  const counts = lines.filter((line) => line.startsWith('plainview_decisions_total{'));
  return counts.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
};

async function decided(file = image()) {
  const stored = await real.storeInstance(file);
  await reader().decided(stored.orthancId);
  return stored;
}
async function correct(by: ServiceProcess, id: string, category: string): Promise<number> {
  const body = { category, of: (await reader().record(id))?.when };
  return (await callApi(by, 'PUT', `/instances/${id}/decision`, { body })).status;
}
const notify = ({ url }: ServiceProcess, id: string) =>
  fetch(`${url}/hook`, {
    method: 'POST',
    headers: { 'x-plainview-hook-key': hookKey(secret) },
    body: JSON.stringify({ instance: id, modality: 'DX', sopClass: '1.2', change: 'NewInstance' }),
  });

describe.skipIf(server === undefined)('several services on one archive', () => {
  test('share the work: each picture is decided once, whoever is told of it', async () => {
    const all = await startAll(3);
    const stored = await Promise.all(Array.from({ length: 30 }, () => real.storeInstance(image())));
    const statuses = await Promise.all(
      stored.map(async ({ orthancId }, n) => (await notify(all[n % 3] as ServiceProcess, orthancId)).status),
    );
    expect(new Set(statuses)).toEqual(new Set([202]));
    for (const { orthancId } of stored) await reader().decided(orthancId);
    // A decision is counted a moment after its label is there.
    const counts = () => Promise.all(all.map(decisions));
    const total = async () => (await counts()).reduce((sum, count) => sum + count);
    await waitFor(async () => (await total()) >= 30);
    await waitFor(async () => (await all[0]?.metric('plainview_queue_jobs{state="running"}')) === 0);
    expect(await total()).toBe(30);
    expect((await counts()).every((count) => count > 0)).toBe(true);
    expect(await leftovers(reader(), stored)).toEqual([]);
    for (const each of all) {
      expect(await readiness(each)).toMatchObject({
        status: 200,
        leads: each === all[0],
        leader: { who: expect.stringContaining('Plainview on '), url: all[0]?.url },
        members: 3,
        queue: { waiting: expect.any(Number), oldestSeconds: expect.any(Number) },
      });
      expect(each.faults()).toEqual([]);
    }
  }, 120_000);

  test('answer people alike: what one is told, all show and count', async () => {
    const [first, second, third] = (await startAll(3)) as [ServiceProcess, ServiceProcess, ServiceProcess];
    await callApi(first, 'GET', '/statistics?days=1');
    const leave = new AbortController();
    const stream = await fetchSigned(secret, `${third.url}/api/v1/events`, {
      who: 'eve',
      signal: leave.signal,
    });
    let events = '';
    void (async () => {
      const decoder = new TextDecoder();
      for await (const part of stream.body ?? []) events += decoder.decode(part, { stream: true });
    })().catch(() => undefined);
    const all = await Promise.all(Array.from({ length: 12 }, () => decided()));
    for (const { orthancId } of all) await waitFor(() => events.includes(orthancId), { what: 'each event' });
    expect((await Promise.all([second, third].map(decisions))).some((count) => count > 0)).toBe(true);
    const id = all[0]?.orthancId ?? '';
    expect(await correct(second, id, 'hand_ap')).toBe(200);
    await waitFor(() => events.includes('"who":"person"'), { what: 'the event of a correction' });
    for (const each of [first, second, third])
      expect((await callApi(each, 'GET', `/instances/${id}`)).json).toMatchObject({ category: 'hand_ap' });
    const counted = async (by: ServiceProcess) =>
      (await callApi(by, 'GET', '/statistics?days=1')).json.agreement;
    await waitFor(async () => JSON.stringify(await counted(third)).includes('"corrected":1'), {
      what: 'the count',
    });
    expect(await counted(second)).toEqual(await counted(first));
    const client = new Client(database);
    await client.connect();
    const kept = await client.query("SELECT entry FROM plainview.audit WHERE entry->>'action' = 'correct'");
    await client.end();
    expect(kept.rows).toMatchObject([{ entry: { who: 'alice', target: `instances/${id}` } }]);
    // A signature is used once, whoever gets it.
    const headers = signed(secret, `${second.url}/api/v1/me`, { who: 'alice' });
    expect((await fetch(`${second.url}/api/v1/me`, { headers })).status).toBe(200);
    expect((await fetch(`${third.url}/api/v1/me`, { headers })).status).toBe(401);
    leave.abort();
  }, 90_000);

  test('send each route once, whoever has decided', async () => {
    const receiver = await new Listener().listen();
    const folder = await rulesFolder();
    const file = await folder.write({
      ...head,
      webhooks: { hook: { url: receiver.url, secretFile: 'hook.secret' } },
      rules: [{ name: 'tell', do: { webhook: 'hook' } }],
      studies: {
        waitMinutes: 0,
        rules: [{ name: 'study', when: { none: 'hand_ap left' }, do: { webhook: 'hook' } }],
      },
    });
    const all = await startAll(2, { PLAINVIEW_RULES_FILE: file });
    const stored = await Promise.all(Array.from({ length: 12 }, () => decided()));
    const ids = stored.map(({ orthancId }) => orthancId).sort();
    // Those of other tests are in this Orthanc too.
    const told = () =>
      receiver.requests
        .map(({ body }) => JSON.parse(body).data.instance as string)
        .filter((id) => ids.includes(id))
        .sort();
    await waitFor(() => told().length >= 12, { what: 'all routes', timeout: 20_000 });
    expect((await Promise.all(all.map(decisions))).every((count) => count > 0)).toBe(true);
    for (const { orthancId } of stored)
      await waitFor(async () => {
        const text = await reader().metadata(`instances/${orthancId}`, 'RadiographRoutes');
        return text?.includes('"sent"');
      });
    expect(told()).toEqual(ids);
    const studies = stored.map(({ study }) => study).sort();
    const studiesTold = () =>
      receiver.requests
        .map(({ body }) => JSON.parse(body))
        .filter(({ type, data }) => type === 'study.rule_applied' && studies.includes(data.study))
        .map(({ data }) => data.study as string)
        .sort();
    await waitFor(() => studiesTold().length >= 12, { what: 'all studies', timeout: 20_000 });
    for (const study of studies)
      await waitFor(async () => !(await reader().labels(`studies/${study}`)).includes('route_pending'));
    expect(studiesTold()).toEqual(studies);
    await receiver.close();
    await folder.discard();
  }, 90_000);

  test('go on when the one that leads is killed: nothing that people said is lost', async () => {
    const [first, second] = (await startAll(2)) as [ServiceProcess, ServiceProcess];
    const file = image();
    const before = await decided(file);
    expect(await correct(second, before.orthancId, 'hand_ap')).toBe(200);
    await first.kill();
    const meanwhile = await real.storeInstance(image());
    expect((await notify(second, meanwhile.orthancId)).status).toBe(202);
    const died = performance.now();
    await reader().decided(meanwhile.orthancId);
    await waitFor(() => leads(second), { what: 'the next leader', timeout: 30_000 });
    expect(performance.now() - died).toBeLessThan(30_000);
    await fetch(`${real.orthanc.url}/instances/${before.orthancId}`, { method: 'DELETE' });
    await real.storeInstance(file);
    await waitFor(async () => (await reader().record(before.orthancId))?.who === 'person');
    expect(await reader().record(before.orthancId)).toMatchObject({ category: 'hand_ap', who: 'person' });
    expect((await callApi(second, 'GET', '/status')).status).toBe(200);
    expect(second.faults()).toEqual([]);
  }, 120_000);

  test.runIf(isOlder)(
    'of which only the one that leads has an Orthanc before 1.13.0 read files, where reports replace each other',
    async () => {
      const [first, second] = (await startAll(2, { PLAINVIEW_REPORT: 'study' })) as [
        ServiceProcess,
        ServiceProcess,
      ];
      const stored = await Promise.all(Array.from({ length: 12 }, () => real.storeInstance(image())));
      for (const { orthancId } of stored) expect((await notify(second, orthancId)).status).toBe(202);
      for (const { orthancId } of stored) await reader().decided(orthancId);
      expect(await decisions(second)).toBe(0);
      await first.kill();
      await real.storeInstance(image());
      await waitFor(async () => (await decisions(second)) > 0, {
        what: 'its first decision',
        timeout: 30_000,
      });
    },
    90_000,
  );

  test('have another one that leads at once when it is stopped', async () => {
    const [first, second] = (await startAll(2)) as [ServiceProcess, ServiceProcess];
    const stopped = performance.now();
    await first.stop();
    await waitFor(() => leads(second), { what: 'the next leader', timeout: 30_000 });
    expect(performance.now() - stopped).toBeLessThan(9000);
  }, 60_000);

  test('one that was suspended and wakes up changes nothing, and ends', async () => {
    const [first, second] = (await startAll(2)) as [ServiceProcess, ServiceProcess];
    const stored = await decided();
    first.freeze();
    await waitFor(() => leads(second), { what: 'the next leader', timeout: 30_000 });
    expect(await correct(second, stored.orthancId, 'wrist_ap')).toBe(200);
    const late = correct(first, stored.orthancId, 'foot_ap').catch(() => 'no answer');
    first.thaw();
    expect(await late).not.toBe(200);
    await waitFor(() => first.log().includes('have gone on without'), { timeout: 20_000 });
    await waitFor(() => first.hasEnded(), { timeout: 30_000 });
    expect(await reader().record(stored.orthancId)).toMatchObject({ category: 'wrist_ap' });
    expect(await leftovers(reader(), [stored])).toEqual([]);
  }, 90_000);

  test('`work` decides, and has no other door than its health', async () => {
    const worker = await start({}, 'work');
    const known = () => readiness(worker) as Promise<{ leads?: boolean } | undefined>;
    await waitFor(async () => (await known())?.leads === false, { timeout: 30_000 });
    // Nobody leads an archive that has workers alone.
    expect(await known()).toMatchObject({ status: 503, ready: false });
    const { orthancId } = await real.storeInstance(image());
    expect((await notify(worker, orthancId)).status).toBe(404);
    expect((await callApi(worker, 'GET', '/me')).status).toBe(404);
    const serving = await start();
    await serving.ready();
    await worker.ready();
    for (let n = 0; n < 30 && (await decisions(worker)) === 0; n++) await decided();
    expect(await decisions(worker)).toBeGreaterThan(0);
    expect(await leads(worker)).toBe(false);
  }, 90_000);
});
