import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SandboxOrthanc } from '../../src/sandbox/orthanc.js';
import { stubClassifier } from '../../testkit/classifier.js';
import { image } from '../../testkit/dicom.js';
import { type Nodes, startNodes } from '../../testkit/nodes.js';
import { storeInstance, waitFor } from '../../testkit/orthanc.js';
import { startPostgresql } from '../../testkit/postgresql.js';
import { hookAddress, Reader, startTestService, type TestService } from '../../testkit/service.js';

/** Two Orthancs with one PostgreSQL database and one storage folder, and a service that knows both. */
const server = await startPostgresql();
if (server === undefined)
  console.warn('PostgreSQL is not installed: the tests of several Orthancs are skipped.');

let running: Nodes | undefined;
let service: TestService;

beforeAll(async () => {
  if (server === undefined) return;
  const hook = await hookAddress();
  running = await startNodes(server, `nodes_${process.pid}`, [hook, hook]);
  service = await startTestService({
    orthanc: nodeAt(1).url,
    hook,
    classifier: stubClassifier(),
    env: {
      PLAINVIEW_ORTHANC_URL: running.nodes.map(({ url }) => url).join(),
      PLAINVIEW_ORTHANC_TIMEOUT_MS: '5000',
    },
    timings: { heartbeat: { everyMs: 200, timeoutMs: 1000 } },
  });
});
afterAll(async () => {
  await service?.stop();
  await running?.discard();
  await server?.stop();
});

const nodeAt = (index: number): SandboxOrthanc => {
  const node = running?.nodes[index % 2];
  if (node === undefined) throw new Error('both run');
  return node;
};
/** Stores as a modality does: again, and at the other node, until it is acknowledged. */
async function store(index: number): Promise<string> {
  const file = image();
  let tries = 0;
  const stored = await waitFor(
    () => storeInstance(nodeAt(index + tries++).url, file).catch(() => undefined),
    { what: 'a store' },
  );
  return stored.orthancId;
}
const answers = async () => {
  const { orthanc } = (await (await fetch(`${service.url}/health/ready`)).json()) as {
    orthanc: { nodes: { answers: boolean }[] };
  };
  return orthanc.nodes.map((node) => node.answers);
};
const decided = async (ids: readonly string[]) => {
  for (const id of ids) expect(await new Reader(nodeAt(1).url).decided(id)).toBeTypeOf('string');
};
/** The decisions of each instance that was recorded more than once with another result. */
async function recordedDifferently(): Promise<string[][]> {
  const results = new Map<string, Set<string>>();
  for (const { instance, record } of (await running?.recordsWritten()) ?? []) {
    const { decision, category } = record;
    results.set(instance, (results.get(instance) ?? new Set()).add(`${decision} ${category}`));
  }
  expect(results.size).toBeGreaterThan(0);
  return [...results.values()].filter(({ size }) => size > 1).map((each) => [...each]);
}

test.skipIf(server === undefined)(
  'the first of two nodes is killed (SIGKILL) during 60 stores: all are decided, none twice differently',
  { timeout: 240_000 },
  async () => {
    const ids: string[] = [];
    const storing = (async () => {
      for (let index = 0; index < 60; index++) {
        ids.push(await store(index));
        if (index === 20) await nodeAt(0).kill();
      }
    })();
    await waitFor(async () => (await answers())[0] === false, { what: 'the death is noticed' });
    await storing;
    await decided(ids);
    expect(await answers()).toEqual([false, true]);
    expect(new Set(ids).size).toBe(60);
    for (const id of ids)
      expect(await new Reader(nodeAt(1).url).record(id)).toMatchObject({ decision: 'category' });
    expect(await recordedDifferently()).toEqual([]);

    await nodeAt(0).restart();
    await waitFor(async () => (await answers())[0], { what: 'the first node is used again' });
    await decided(await Promise.all([store(0), store(1)]));
    expect(service.log()).not.toContain('Work waits.');
  },
);

test.skipIf(server === undefined)(
  'the first of two nodes stands still for a while (SIGSTOP): all are decided',
  { timeout: 240_000 },
  async () => {
    const { pid } = nodeAt(0);
    const before = await Promise.all([store(0), store(1)]);
    process.kill(pid, 'SIGSTOP');
    try {
      const meanwhile = Promise.all([1, 3, 5, 7].map(store));
      await waitFor(async () => (await answers())[0] === false, { what: 'the stand-still is noticed' });
      process.kill(pid, 'SIGCONT');
      await decided([...before, ...(await meanwhile)]);
      await waitFor(async () => (await answers()).every(Boolean), { what: 'both answer' });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect(await recordedDifferently()).toEqual([]);
  },
);
