import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { freePort } from '../../src/sandbox/ports.js';
import { callApi } from '../../testkit/api.js';
import { image } from '../../testkit/dicom.js';
import { leftovers } from '../../testkit/leftovers.js';
import { type StoredInstance, useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { seeded } from '../../testkit/random.js';
import { Reader } from '../../testkit/service.js';
import { type ServiceProcess, startServiceProcess } from '../../testkit/service-process.js';

const real = useOrthanc();
const reader = () => new Reader(real.orthanc.url);
const categories = ['hand_ap', 'wrist_ap', 'ankle_ap', 'elbow_ap', 'pelvis_ap', 'knee_ap'] as const;
const seen = async (id: string) => (await reader().record(id))?.when;

async function decided(): Promise<StoredInstance> {
  const stored = await real.storeInstance(image());
  await reader().decided(stored.orthancId);
  return stored;
}

test('two services that are killed at any moment: after a restart and a sweep, nothing else is left', async () => {
  const random = seeded(7);
  const processes: ServiceProcess[] = [];
  const addresses: { url: string; secret: string }[] = [];
  for (let index = 0; index < 2; index++) {
    const port = await freePort();
    const secret = randomUUID();
    addresses.push({ url: `http://127.0.0.1:${port}`, secret });
    processes.push(
      await startServiceProcess({
        orthanc: real.orthanc.url,
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
          if (of === undefined) continue;
          const body = { category, of: await seen(id) };
          await callApi(of, 'PUT', `/instances/${id}/decision`, { body }).catch(() => undefined);
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
    expect(await leftovers(reader(), all)).toEqual([]);
  } finally {
    for (const each of processes) await each.discard();
  }
}, 240_000);
