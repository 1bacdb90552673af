import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createNetServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { instanceRoutes, type Route } from '../../src/followups/routing/routes-record.js';
import { type SandboxOrthanc, startOrthanc } from '../../src/sandbox/orthanc.js';
import { freePort } from '../../src/sandbox/ports.js';
import { callApi } from '../../testkit/api.js';
import { stubClassifier } from '../../testkit/classifier.js';
import { plainview, type RunningCommand, serve } from '../../testkit/cli.js';
import { image } from '../../testkit/dicom.js';
import { Listener } from '../../testkit/listener.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { head, type RulesFolder, rulesFolder } from '../../testkit/rules.js';
import { hookAddress, Reader, startTestService } from '../../testkit/service.js';

// Tests start processes, on machines that may be busy.
vi.setConfig({ testTimeout: 300_000 });

const hook = await hookAddress();
const [partnerPort, picky] = [await freePort(), await freePort()];
const real = useOrthanc({
  hook,
  configuration: {
    OrthancPeers: {
      partner: [`http://127.0.0.1:${partnerPort}`],
      picky: [`http://127.0.0.1:${picky}`],
    },
  },
});
/** Short, so that what is not taken is given up without a long wait. */
const timings = { routeBackOff: { first: 50, longest: 200 } };
const listener = new Listener();
const stateDir = mkdtempSync(join(tmpdir(), 'plainview-state-'));
let place: RulesFolder;
let partner: SandboxOrthanc | undefined;
let running: RunningCommand | undefined;

beforeAll(async () => {
  place = await rulesFolder();
  await listener.listen();
});
// Else a failed test would keep the port of the others in use.
afterEach(async () => {
  running?.child.kill('SIGKILL');
  await running?.ended;
});
afterAll(async () => {
  await partner?.discard();
  await place?.discard();
  await listener.close();
  rmSync(stateDir, { recursive: true, force: true });
});

const reader = () => new Reader(real.orthanc.url);
const webhooks = () => ({ hook: { url: listener.url, secretFile: 'hook.secret' } });

async function routesOf(id: string): Promise<Route[]> {
  const text = await reader().metadata(`instances/${id}`, 'RadiographRoutes');
  return text === undefined ? [] : instanceRoutes.parse(JSON.parse(text)).routes;
}

async function pending(): Promise<string[]> {
  const body = JSON.stringify({ Level: 'Instance', Query: {}, Labels: ['route_pending'] });
  return (await (await fetch(`${real.orthanc.url}/tools/find`, { method: 'POST', body })).json()) as string[];
}

test('while a peer is down all else continues, and after a kill all instances arrive there, in order and once', async () => {
  const file = await place.write({
    ...head,
    webhooks: webhooks(),
    rules: [
      { name: 'partner', do: { peer: 'partner' } },
      { name: 'tell', do: { webhook: 'hook' } },
    ],
  });
  const start = () => serve({ orthanc: real.orthanc.url, hook, stateDir }, { PLAINVIEW_RULES_FILE: file });
  running = start();
  await waitFor(() => running?.out().includes('Orthanc answers'), { what: 'the service', timeout: 120_000 });
  const stored: string[] = [];
  for (let i = 0; i < 20; i++) stored.push((await real.storeInstance(image())).orthancId);
  await waitFor(() => listener.requests.length === 20, { what: 'the webhook’s news', timeout: 60_000 });
  await waitFor(async () => (await pending()).length === 20);
  expect(running.out().match(/peer:partner accepts nothing at present/g)).toHaveLength(1);
  running.child.kill('SIGKILL');
  await running.ended;

  partner = await startOrthanc({ port: partnerPort });
  running = start();
  await waitFor(async () => (await pending()).length === 0, { what: 'an empty queue', timeout: 90_000 });
  const requestedAt = new Map<string, string>();
  for (const id of stored) {
    const routes = await routesOf(id);
    expect(routes.map(({ to, state }) => [to, state])).toEqual([
      ['peer:partner', 'sent'],
      ['webhook:hook', 'sent'],
    ]);
    requestedAt.set(id, routes[0]?.asked ?? '');
  }
  const { Changes } = (await (await fetch(`${partner.url}/changes?limit=1000`)).json()) as {
    Changes: { ChangeType: string; ID: string }[];
  };
  const arrived = Changes.filter(({ ChangeType }) => ChangeType === 'NewInstance').map(({ ID }) => ID);
  expect([...arrived].sort()).toEqual([...stored].sort());
  const order = arrived.map((id) => requestedAt.get(id) ?? '');
  expect(order).toEqual([...order].sort());
  // A webhook call that was received but not recorded before the kill is sent again with the same id.
  expect(new Set(listener.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(20);
  running.child.kill('SIGTERM');
  expect(await running.ended).toBe(0);
});

/** A peer that answers, but refuses some instances. */
async function pickyPeer(takes: (body: Buffer) => boolean): Promise<Server> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const fine = request.url !== '/instances' || takes(Buffer.concat(parts));
      response.writeHead(fine ? 200 : 400, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(picky, '127.0.0.1', resolve));
  return server;
}

test('what a peer refuses is given up and labelled, the rest continues, and a retry sends it', async () => {
  const taken: string[] = [];
  let isPicky = true;
  const server = await pickyPeer((body) => {
    const isRefused = isPicky && body.includes('REFUSED');
    if (!isRefused) taken.push('one');
    return !isRefused;
  });
  const file = await place.write({ ...head, rules: [{ name: 'picky', do: { peer: 'picky' } }] });
  const env = { PLAINVIEW_RULES_FILE: file };
  const service = await startTestService({
    orthanc: real.orthanc.url,
    hook,
    timings,
    classifier: stubClassifier(),
    env,
  });
  try {
    const refused = await real.storeInstance(image({ patientId: 'REFUSED' }));
    // The order of simultaneous decisions may change.
    await waitFor(async () => (await routesOf(refused.orthancId)).length === 1);
    const fine = await real.storeInstance(image());
    await waitFor(async () => (await routesOf(fine.orthancId))[0]?.state === 'sent', { timeout: 50_000 });
    expect(await routesOf(refused.orthancId)).toMatchObject([{ to: 'peer:picky', state: 'failed' }]);
    expect(await reader().labels(`instances/${refused.orthancId}`)).toContain('route_failed');
    expect(await reader().labels(`instances/${fine.orthancId}`)).not.toContain('route_failed');
    expect(taken).toHaveLength(1);
    expect(service.log()).not.toContain('REFUSED');

    // A person's decision is sent unchanged too, and nothing decides it again.
    const of = (await reader().record(refused.orthancId))?.when;
    await callApi(service, 'PUT', `/instances/${refused.orthancId}/decision`, {
      body: { category: 'hand_ap', of },
    });
    const failed = async () => {
      const last = (await routesOf(refused.orthancId)).at(-1);
      return last?.category === 'hand_ap' && last.state === 'failed';
    };
    await waitFor(failed, { timeout: 50_000 });
    const retry = async (...args: string[]) => {
      const run = plainview(['rules', 'retry', ...args], {
        PLAINVIEW_ORTHANC_URL: real.orthanc.url,
        PLAINVIEW_SECRET: hook.secret,
        PLAINVIEW_PORT: String(hook.port),
      });
      return { status: await run.ended, out: run.out() };
    };
    const listed = await retry('--dry-run');
    expect(listed.out).toMatch(
      new RegExp(`^${refused.orthancId}\tpeer:picky\t.*accepts nothing at present`, 'm'),
    );
    expect(listed.out).toContain('1 would be sent again');
    const astray = await retry('--to', 'peer:astray');
    expect(astray.status).not.toBe(0);
    expect(astray.out).toContain('The rules name peer:picky');
    isPicky = false;
    expect(await retry('--to', 'peer:picky')).toMatchObject({
      status: 0,
      out: expect.stringContaining('1 are to be sent again'),
    });
    await waitFor(async () => (await routesOf(refused.orthancId)).at(-1)?.state === 'sent');
    await waitFor(async () => {
      const labels = await reader().labels(`instances/${refused.orthancId}`);
      return !labels.some((label) => label.startsWith('route_'));
    });
    expect(await reader().record(refused.orthancId)).toMatchObject({ who: 'person', category: 'hand_ap' });
    expect(taken).toHaveLength(2);
    expect((await retry()).out).toContain('0 are to be sent again');
  } finally {
    await service.stop();
    server.close();
  }
});

test('a peer that hangs delays no other destination, no classification, and no stop', async () => {
  const sockets: Socket[] = [];
  const hanging = createNetServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => hanging.listen(picky, '127.0.0.1', resolve));
  const file = await place.write({
    ...head,
    webhooks: webhooks(),
    rules: [{ name: 'both', do: { peer: 'picky', webhook: 'hook' } }],
  });
  listener.requests.splice(0);
  listener.answer = { status: 200, body: '' };
  const env = { PLAINVIEW_RULES_FILE: file };
  const service = await startTestService({
    orthanc: real.orthanc.url,
    hook,
    timings,
    classifier: stubClassifier(),
    env,
  });
  try {
    for (let i = 0; i < 20; i++) await reader().decided((await real.storeInstance(image())).orthancId);
    await waitFor(() => listener.requests.length === 20);
    expect(sockets.length).toBeGreaterThan(0);
    expect(await service.metrics()).toContain('plainview_route_waiting{destination="peer:picky"} 20');
  } finally {
    await service.stop();
    for (const socket of sockets) socket.destroy();
    hanging.close();
  }
});

test('a webhook that answers 422 refuses the instance; one that answers 503 or not at all gets it later', async () => {
  const file = await place.write({
    ...head,
    webhooks: webhooks(),
    rules: [{ name: 'tell', do: { webhook: 'hook' } }],
  });
  const service = await startTestService({
    orthanc: real.orthanc.url,
    hook,
    timings,
    classifier: stubClassifier(),
    env: { PLAINVIEW_RULES_FILE: file },
  });
  try {
    listener.requests.splice(0);
    listener.answer = { status: 422, body: '' };
    const unwanted = await real.storeInstance(image());
    await waitFor(async () => (await routesOf(unwanted.orthancId))[0]?.state === 'failed');
    listener.answer = { status: 503, body: '' };
    const { orthancId } = await real.storeInstance(image());
    await waitFor(() => listener.requests.length >= 2);
    expect(await service.metrics()).toContain('plainview_route_waiting{destination="webhook:hook"} 1');
    await waitFor(async () =>
      (await service.metrics()).includes('plainview_route_up{destination="webhook:hook"} 0'),
    );
    listener.answer = { status: 200, body: '' };
    await waitFor(async () => (await routesOf(orthancId))[0]?.state === 'sent');
    const ids = listener.requests.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids.slice(1)).size).toBe(1);
    expect(ids[0]).not.toBe(ids[1]);
    expect(await service.metrics()).toContain('plainview_route_up{destination="webhook:hook"} 1');
  } finally {
    await service.stop();
  }
});

test('an instance that is decided again while it waits is sent only for the newer decision', async () => {
  const file = await place.write({
    ...head,
    rules: [
      { name: 'knees', when: { category: 'knee_*' }, do: { peer: 'picky' } },
      { name: 'hands', when: { category: 'hand_ap' }, do: { label: 'hands' } },
    ],
  });
  const classifier = stubClassifier();
  const service = await startTestService({
    orthanc: real.orthanc.url,
    hook,
    timings,
    classifier,
    env: { PLAINVIEW_RULES_FILE: file },
  });
  try {
    const { orthancId } = await real.storeInstance(image());
    await waitFor(async () => (await routesOf(orthancId))[0]?.state === 'pending');
    classifier.answer = async () => ({ category: 'hand_ap', score: 0.99 });
    await reader().put(`instances/${orthancId}`, 'RadiographReclassify', '{}');
    await waitFor(async () => (await reader().labels(`instances/${orthancId}`)).includes('hands'));
    await waitFor(async () => (await routesOf(orthancId))[0]?.state === 'skipped');
    expect(await routesOf(orthancId)).toMatchObject([{ why: 'it was decided anew' }]);
    expect(await reader().labels(`instances/${orthancId}`)).toEqual(['hand_ap', 'hands']);
  } finally {
    await service.stop();
  }
});

test('a destination that Orthanc does not know stops the start, with rule and line', async () => {
  const file = await place.write({ ...head, rules: [{ name: 'astray', do: { modality: 'ORTHO' } }] });
  const { ended, out } = plainview(['serve'], {
    PLAINVIEW_ORTHANC_URL: real.orthanc.url,
    PLAINVIEW_SECRET: hook.secret,
    PLAINVIEW_PORT: '0',
    PLAINVIEW_STATE_DIR: stateDir,
    PLAINVIEW_RULES_FILE: file,
  });
  expect(await ended).toBe(2);
  expect(out()).toMatch(/line \d+, rule astray: Orthanc's configuration has no modality ORTHO/);
});
