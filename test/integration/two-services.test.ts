import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labelsOf } from '../../src/decisions/labels.js';
import { freePort } from '../../src/sandbox/ports.js';
import { callApi } from '../../testkit/api.js';
import { image } from '../../testkit/dicom.js';
import { type FaultyProxy, startFaultyProxy } from '../../testkit/faulty-proxy.js';
import { type StoredInstance, useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { seeded } from '../../testkit/random.js';
import { hookAddress, Reader, type TestService } from '../../testkit/service.js';
import { type ServiceProcess, startServiceProcess } from '../../testkit/service-process.js';
import { useServices } from '../../testkit/services.js';

/** Two services with two state folders on one Orthanc: what they write is the decision that stands, and no more. */
const hook = await hookAddress();
const real = useOrthanc({ hook });
const { service } = useServices(real, hook);
const reader = () => new Reader(real.orthanc.url);
const rounds = 30;
const categories = ['hand_ap', 'wrist_ap', 'ankle_ap', 'elbow_ap', 'pelvis_ap', 'knee_ap'] as const;

/** Each service has a slow way to Orthanc: a call takes up to 40 ms, so that all orders of writes occur. */
const proxies: FaultyProxy[] = [];
beforeAll(async () => {
  for (const seed of [1, 2]) {
    const random = seeded(seed);
    const proxy = await startFaultyProxy(real.orthanc.url);
    proxy.decide = ({ method, url }) => {
      if (!['PUT', 'DELETE'].includes(method) && !url.startsWith('/tools/bulk-content')) return 'pass';
      const ms = random() < 0.5 ? 0 : random() * 40;
      return async () => {
        await delay(ms);
        return 'pass';
      };
    };
    proxies.push(proxy);
  }
});
afterAll(() => Promise.all(proxies.map((proxy) => proxy.stop())));

async function twins(): Promise<[TestService, TestService]> {
  const first = await service({ orthanc: proxies[0]?.url ?? '' });
  const second = await service({ orthanc: proxies[1]?.url ?? '', env: { PLAINVIEW_PORT: '0' } });
  return [first, { ...second, secret: hook.secret }];
}

const correct = (of: Pick<TestService, 'url' | 'secret'>, id: string, category: string, seen = '') =>
  callApi(of, 'PUT', `/instances/${id}/decision`, { body: { category, of: seen }, role: 'reviewer' });
const seen = async (id: string) => (await reader().record(id))?.when;

async function idle(of: TestService): Promise<boolean> {
  const metrics = await of.metrics();
  return ['waiting', 'running', 'delayed'].every((state) =>
    metrics.includes(`plainview_queue_jobs{state="${state}"} 0`),
  );
}

async function quiet(services: readonly TestService[]): Promise<void> {
  const isQuiet = async () => (await Promise.all(services.map(idle))).every(Boolean);
  await waitFor(isQuiet, { what: 'empty queues' });
}

/** What differs from the decision that stands, at all three levels. */
async function leftovers({ orthancId, series, study }: StoredInstance): Promise<string[]> {
  const record = await reader().record(orthancId);
  const wanted = record === undefined ? [] : labelsOf(record);
  const problems: string[] = [];
  for (const resource of [`instances/${orthancId}`, `series/${series}`, `studies/${study}`]) {
    const labels = await reader().labels(resource);
    if (labels.join() !== wanted.join()) problems.push(`${resource}: ${labels} in place of ${wanted}`);
  }
  const category = await reader().metadata(`instances/${orthancId}`, 'RadiographCategory');
  if (category !== (record?.category ?? 'unknown')) problems.push(`category ${category}`);
  return problems;
}

async function allLeftovers(all: readonly StoredInstance[]): Promise<string[]> {
  return (await Promise.all(all.map(leftovers))).flat();
}

async function decided(): Promise<StoredInstance> {
  const stored = await real.storeInstance(image());
  await reader().decided(stored.orthancId);
  return stored;
}

describe('two services on one Orthanc leave the labels of the decision that stands, at once:', () => {
  test('two persons who correct the same decision: one of them does', async () => {
    const both = await twins();
    const all: StoredInstance[] = [];
    for (let round = 0; round < rounds; round++) {
      const stored = await decided();
      await quiet(both);
      const when = await seen(stored.orthancId);
      const answers = await Promise.all(
        both.map((of, index) => correct(of, stored.orthancId, categories[index] ?? '', when)),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      const winner = answers.find(({ status }) => status === 200);
      expect((await reader().record(stored.orthancId))?.category).toBe(winner?.json.category);
      all.push(stored);
    }
    await quiet(both);
    expect(await allLeftovers(all)).toEqual([]);
  }, 120_000);

  test('a person who corrects a correction that the other service is still writing', async () => {
    const both = await twins();
    const all: StoredInstance[] = [];
    for (let round = 0; round < rounds; round++) {
      const stored = await decided();
      const { orthancId: id } = stored;
      await quiet(both);
      const first = await seen(id);
      const slow = correct(both[round % 2] ?? both[0], id, 'hand_ap', first);
      const second = await waitFor(async () => {
        const now = await seen(id);
        return now !== first && now;
      });
      const fast = await correct(both[(round + 1) % 2] ?? both[1], id, 'wrist_ap', second);
      expect(fast.status).toBe(200);
      await slow;
      expect((await reader().record(id))?.category).toBe('wrist_ap');
      all.push(stored);
    }
    await quiet(both);
    expect(await allLeftovers(all)).toEqual([]);
  }, 120_000);

  test('a person, while the other service decides anew', async () => {
    const both = await twins();
    const all: StoredInstance[] = [];
    for (let round = 0; round < rounds; round++) {
      const stored = await decided();
      const { orthancId: id } = stored;
      await quiet(both);
      const category = categories[round % categories.length] ?? '';
      for (const of of both) of.classifier.answer = async () => ({ category: 'chest_lateral', score: 0.99 });
      const when = await seen(id);
      const [answer] = await Promise.all([
        correct(both[0], id, category, when),
        reader().put(`instances/${id}`, 'RadiographReclassify', JSON.stringify({ who: 'x' })),
        both[1].notice(id),
      ]);
      await quiet(both);
      if (answer.status === 200) expect(await reader().record(id)).toMatchObject({ who: 'person', category });
      for (const of of both) of.classifier.answer = async () => ({ category: 'knee_lateral', score: 0.99 });
      all.push(stored);
    }
    await quiet(both);
    expect(await allLeftovers(all)).toEqual([]);
  }, 120_000);

  test('two first decisions that differ', async () => {
    const both = await twins();
    both[0].classifier.answer = async () => ({ category: 'hand_ap', score: 0.99 });
    both[1].classifier.answer = async () => ({ category: 'wrist_ap', score: 0.99 });
    const all: StoredInstance[] = [];
    for (let round = 0; round < rounds; round++) {
      const stored = await real.storeInstance(image());
      await both[1].notice(stored.orthancId);
      await reader().decided(stored.orthancId);
      all.push(stored);
    }
    await quiet(both);
    await waitFor(async () => (await allLeftovers(all)).length === 0).catch(() => undefined);
    expect(await allLeftovers(all)).toEqual([]);
  }, 120_000);
});

test('two services that are killed at any moment: after a restart and a sweep, nothing else is left', async () => {
  const random = seeded(7);
  const processes: ServiceProcess[] = [];
  const addresses: { url: string; secret: string }[] = [];
  for (const proxy of proxies) {
    const port = await freePort();
    const secret = hook.secret;
    addresses.push({ url: `http://127.0.0.1:${port}`, secret });
    processes.push(
      await startServiceProcess({
        orthanc: proxy.url,
        port,
        secret,
        env: { PLAINVIEW_CHANGES_POLL_MS: '100' },
      }),
    );
  }
  const all: StoredInstance[] = [];
  try {
    for (let round = 0; round < 4; round++) {
      const fresh = await Promise.all(Array.from({ length: 6 }, decided));
      all.push(...fresh);
      const corrections = fresh.flatMap(async ({ orthancId: id }, index) => {
        for (let turn = 0; turn < 6; turn++) {
          const of = addresses[(index + turn) % 2];
          const category = categories[Math.floor(random() * categories.length)] ?? '';
          if (of !== undefined) await correct(of, id, category, await seen(id)).catch(() => undefined);
        }
      });
      await delay(random() * 600);
      await Promise.all(processes.map((each) => each.kill()));
      await Promise.all(corrections);
      for (const each of processes) each.start();
      await Promise.all(processes.map((each) => each.ready()));
    }
    const [swept] = addresses;
    if (swept === undefined) throw new Error('there is no service');
    await callApi(swept, 'POST', '/sweep', { body: {} });
    await waitFor(async () => (await callApi(swept, 'GET', '/sweep')).json.state === 'idle', {
      timeout: 60_000,
    });
    expect(await allLeftovers(all)).toEqual([]);
  } finally {
    for (const each of processes) await each.discard();
  }
}, 240_000);
