import { rm } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { callApi } from '../../testkit/api.js';
import { hold, stubClassifier } from '../../testkit/classifier.js';
import { image } from '../../testkit/dicom.js';
import { type FaultyProxy, startFaultyProxy } from '../../testkit/faulty-proxy.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { freshState, Reader, startTestService, type TestService } from '../../testkit/service.js';

const real = useOrthanc();
/** What a test must stop at its end, in reverse order. */
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const reader = () => new Reader(real.orthanc.url);

/** A service with a proxy before Orthanc. It continues from `stateDir`, or starts at the end of the change log. */
async function service(
  env: NodeJS.ProcessEnv = {},
  stateDir?: string,
): Promise<{ of: TestService; proxy: FaultyProxy }> {
  const proxy = await startFaultyProxy(real.orthanc.url);
  ends.push(() => proxy.stop());
  const state = stateDir ?? (await freshState(real.orthanc.url));
  ends.push(() => rm(state, { recursive: true }));
  const of = await startTestService({
    orthanc: proxy.url,
    classifier: stubClassifier(),
    env,
    stateDir: state,
  });
  ends.push(() => of.stop());
  return { of, proxy };
}

async function decided(): Promise<string> {
  const { orthancId } = await real.storeInstance(image());
  await reader().decided(orthancId);
  return orthancId;
}

/**
 * Sends five requests more than allowed: the first ones until they are in progress, each for another path, and then all
 * others at once. Five are refused, and the others succeed.
 */
async function expectBounds(
  of: TestService,
  paths: readonly string[],
  { most, waiting }: { most: number; waiting: number },
  { underway, release }: { underway: () => number; release: () => void },
): Promise<void> {
  const counts: Record<number, number> = {};
  const codes = new Set<string>();
  const ask = async (n: number) => {
    const { status, json } = await callApi(of, 'GET', paths[n % paths.length] ?? '');
    counts[status] = (counts[status] ?? 0) + 1;
    if (status !== 200) codes.add(json.code);
  };
  const all = Array.from({ length: most }, (_, n) => ask(n));
  try {
    await waitFor(() => underway() >= most, { what: 'the first ones' });
    for (let n = most; n < most + waiting + 5; n++) all.push(ask(n));
    await waitFor(() => counts[429] === 5, { timeout: 30_000, what: 'the refusal of five' });
    expect(underway()).toBe(most);
  } finally {
    release();
    await Promise.all(all);
  }
  expect(counts).toEqual({ 200: most + waiting, 429: 5 });
  expect([...codes]).toEqual(['busy']);
}

test('three pictures for people are rendered at a time and two hundred wait; more are refused', async () => {
  // So many calls that the limiter does not take a slow machine for a busy Orthanc before only renderings are in progress.
  const { of, proxy } = await service({ PLAINVIEW_ORTHANC_CONNECTIONS: '64' });
  // Of one picture there is one rendering at a time.
  const ids = [await decided(), await decided(), await decided()];
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  let underway = 0;
  proxy.decide = ({ url }) => {
    if (!url.includes('/rendered')) return 'pass';
    underway++;
    return async () => {
      await gate;
      return 'pass';
    };
  };
  const bounds = { most: 3, waiting: 200 };
  const paths = ids.map((id) => `/instances/${id}/thumbnail`);
  await expectBounds(of, paths, bounds, { underway: () => underway, release });
});

test('one map of the evidence for a category is made at a time and twenty wait; more are refused', async () => {
  const { of } = await service();
  const id = await decided();
  const { pictures } = of.classifier;
  const { length: before } = pictures;
  const { release } = hold(of.classifier, { category: 'knee_ap', score: 0.9 });
  const bounds = { most: 1, waiting: 20 };
  await expectBounds(of, [`/instances/${id}/activation?category=knee_ap`], bounds, {
    underway: () => pictures.length - before,
    release,
  });
});

test('as many instances of a backlog are in progress as the site sets, besides those of the hook', async () => {
  const stateDir = await freshState(real.orthanc.url);
  for (let n = 0; n < 6; n++) await real.storeInstance(image());
  const { of } = await service({ PLAINVIEW_CONCURRENCY: '3', PLAINVIEW_BACKLOG_CONCURRENCY: '2' }, stateDir);
  const { release } = hold(of.classifier, { category: 'knee_ap', score: 0.99 });
  const depth = async () => (await callApi(of, 'GET', '/status')).json.queue;
  const isDepth = (waiting: number, running: number) =>
    waitFor(
      async () => {
        const now = await depth();
        return now.waiting === waiting && now.running === running;
      },
      { what: `${waiting} waiting, ${running} running` },
    );
  try {
    await isDepth(4, 2);
    for (let n = 0; n < 2; n++) await of.notice((await real.storeInstance(image())).orthancId);
    await isDepth(5, 3);
  } finally {
    release();
  }
  await isDepth(0, 0);
});

test('Orthanc gets no more calls per second than the site allows', async () => {
  const began = performance.now();
  const { proxy } = await service({ PLAINVIEW_ORTHANC_RATE: '10' });
  await decided();
  // The health check has no limit: it is two small calls every five seconds.
  const limited = () => proxy.calls.filter(({ url }) => !/^\/(system|changes\?last)/.test(url));
  const { length } = await waitFor(() => limited().length > 20 && limited());
  // The first call is immediate, and a timer may end one millisecond early.
  expect(length).toBeLessThanOrEqual((performance.now() - began) / 100 + 2);
});
