import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { slices } from '../../src/async/slices.js';
import { callApi } from '../../testkit/api.js';
import { image } from '../../testkit/dicom.js';
import { type FaultyProxy, startFaultyProxy } from '../../testkit/faulty-proxy.js';
import { leftovers } from '../../testkit/leftovers.js';
import { type StoredInstance, useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { seeded } from '../../testkit/random.js';
import { hookAddress, Reader, type TestService } from '../../testkit/service.js';
import { useServices } from '../../testkit/services.js';

/** Two services with two state folders on one Orthanc: what they write is the decision that stands, and no more. */
const hook = await hookAddress();
const real = useOrthanc({ hook });
const { service } = useServices(real, hook);
const reader = () => new Reader(real.orthanc.url);
/** A multiple of six. */
const rounds = Number(process.env.TWO_SERVICES_ROUNDS ?? 12);
const categories = ['hand_ap', 'wrist_ap', 'ankle_ap', 'elbow_ap', 'pelvis_ap', 'knee_ap'] as const;

/** Each service has a slow way to Orthanc: a call takes up to 40 ms, so that all orders of writes occur. */
const proxies: FaultyProxy[] = [];
beforeAll(async () => {
  for (const seed of [1, 2]) {
    const random = seeded(seed);
    const proxy = await startFaultyProxy(real.orthanc.url);
    proxy.decide = ({ method, url }) => {
      if (!['PUT', 'DELETE'].includes(method) && !/^\/tools\/(bulk-content|find)/.test(url)) return 'pass';
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
  await waitFor(isQuiet, { what: 'empty queues', timeout: 60_000 });
}

/** Instances that both services know as decided. */
async function decidedBy(both: readonly TestService[]): Promise<StoredInstance[]> {
  const all: StoredInstance[] = [];
  for (let round = 0; round < rounds; round++) all.push(await real.storeInstance(image()));
  for (const { orthancId } of all) await reader().decided(orthancId);
  await quiet(both);
  return all;
}

/** Rounds, some at a time. */
async function eachOf(
  all: readonly StoredInstance[],
  round: (id: string, index: number) => Promise<void>,
): Promise<void> {
  const numbered = all.map(({ orthancId }, index) => ({ orthancId, index }));
  for (const some of slices(numbered, 6))
    await Promise.all(some.map(({ orthancId, index }) => round(orthancId, index)));
}

describe('two services on one Orthanc leave the labels of the decision that stands, at once:', {
  timeout: 240_000,
}, () => {
  test('two persons who correct the same decision: one of them does', async () => {
    const both = await twins();
    const all = await decidedBy(both);
    await eachOf(all, async (id) => {
      const when = await seen(id);
      const answers = await Promise.all(
        both.map((of, index) => correct(of, id, categories[index] ?? '', when)),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      const winner = answers.find(({ status }) => status === 200);
      expect((await reader().record(id))?.category).toBe(winner?.json.category);
    });
    await quiet(both);
    expect(await leftovers(reader(), all)).toEqual([]);
  });

  test('a person who corrects a correction that the other service is still writing', async () => {
    const both = await twins();
    const all = await decidedBy(both);
    await eachOf(all, async (id, index) => {
      const [slow, fast] = index % 2 === 0 ? both : [both[1], both[0]];
      const first = await seen(id);
      const begun = correct(slow, id, 'hand_ap', first);
      const second = await waitFor(async () => {
        const now = await seen(id);
        return now !== first && now;
      });
      expect((await correct(fast, id, 'wrist_ap', second)).status).toBe(200);
      expect((await begun).status).toBe(200);
      expect((await reader().record(id))?.category).toBe('wrist_ap');
    });
    await quiet(both);
    expect(await leftovers(reader(), all)).toEqual([]);
  });

  test('a person, while the other service decides anew', async () => {
    const both = await twins();
    const all = await decidedBy(both);
    for (const { classifier } of both)
      classifier.answer = async () => ({ category: 'chest_lateral', score: 0.99 });
    const corrections = new Map<string, string>();
    await eachOf(all, async (id, index) => {
      const category = categories[index % categories.length] ?? '';
      const when = await seen(id);
      const [answer] = await Promise.all([
        correct(both[0], id, category, when),
        reader().put(`instances/${id}`, 'RadiographReclassify', JSON.stringify({ who: 'x' })),
        both[1].notice(id),
      ]);
      if (answer.status === 200) corrections.set(id, category);
    });
    await quiet(both);
    for (const [id, category] of corrections)
      expect(await reader().record(id)).toMatchObject({ who: 'person', category });
    expect(await leftovers(reader(), all)).toEqual([]);
  });

  test('two first decisions that differ', async () => {
    const both = await twins();
    both[0].classifier.answer = async () => ({ category: 'hand_ap', score: 0.99 });
    both[1].classifier.answer = async () => ({ category: 'wrist_ap', score: 0.99 });
    const all: StoredInstance[] = [];
    for (let round = 0; round < rounds; round++) {
      const stored = await real.storeInstance(image());
      await both[1].notice(stored.orthancId);
      all.push(stored);
    }
    for (const { orthancId } of all) await reader().decided(orthancId);
    await quiet(both);
    expect(await leftovers(reader(), all)).toEqual([]);
  });
});
