import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pMap from 'p-map';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callApi } from '../../testkit/api.js';
import { plainview, type RunningCommand, serve } from '../../testkit/cli.js';
import { radiograph, uid } from '../../testkit/dicom.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { seeded } from '../../testkit/random.js';
import { hookAddress, Reader } from '../../testkit/service.js';
import { hasBrowser, useBrowser } from './support/browser.js';
import { type Drawing, draw } from './support/pictures.js';

/** A view that the embedded network does not know, one that it knows, and none: drawings, which it has never seen. */
const truth: Record<Drawing, string | null> = {
  knee: 'calcaneus_lateral',
  hand: 'hand_ap',
  // None of these: what people say of it must be held back later.
  spine: null,
};

/** A real Orthanc with the plugin, the built service with the embedded network, its commands, and Chromium. */
describe.skipIf(!hasBrowser)('a site that teaches its network', async () => {
  const hook = await hookAddress();
  const real = useOrthanc({
    hook,
    explorer: true,
    configuration: { Plainview: { DefaultRole: 'reviewer' } },
  });
  const pages = useBrowser();
  let stateDir: string;
  let service: RunningCommand;
  const api = { url: hook.url.replace(/\/hook$/, ''), secret: hook.secret };

  beforeAll(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'plainview-learn-'));
    service = serve({ orthanc: real.orthanc.url, hook, stateDir }, { PLAINVIEW_FEATURES: 'keep' });
    await waitFor(async () => (await fetch(`${api.url}/health/ready`).catch(() => undefined))?.ok, {
      timeout: 60_000,
    });
  });
  afterAll(async () => {
    service.child.kill('SIGTERM');
    await service.ended;
    await rm(stateDir, { recursive: true });
  });

  /** One of 20 drawings with grain of its own: a drawing costs the processor. @param seed also names the patient: two films of each */
  async function store(drawing: Drawing, seed: number): Promise<string> {
    const name = `${drawing} of ${seed >> 1}`;
    const drawn = await draw(drawing, seed % 20);
    const random = seeded(seed);
    const grey = drawn.grey.map((value) => Math.min(Math.max(value + 12 * (random() - 0.5), 0), 255));
    const { orthancId } = await real.storeInstance(
      radiograph(
        { ...drawn, grey },
        {
          rows: 350,
          columns: 200,
          patientId: name,
          studyInstanceUid: uid(name),
          seriesInstanceUid: uid(`${name} ${seed}`),
        },
      ),
    );
    return orthancId;
  }
  const reader = () => new Reader(real.orthanc.url);
  const decided = (id: string) => waitFor(async () => reader().record(id), { timeout: 120_000 });
  const run = async (...args: string[]) => {
    const command = plainview(args, {
      PLAINVIEW_ORTHANC_URL: real.orthanc.url,
      PLAINVIEW_SECRET: hook.secret,
      PLAINVIEW_PORT: String(hook.port),
      PLAINVIEW_STATE_DIR: stateDir,
      PLAINVIEW_WORKERS: '1',
    });
    const status = await command.ended;
    return { status, out: command.out() };
  };

  test('corrects on the page, trains, uses the new network, and sees its labels', async () => {
    // 180 corrections: the work of some weeks.
    const drawings = Object.keys(truth) as Drawing[];
    const stored = await pMap(
      Array.from({ length: 180 }, (_, nth) => ({
        drawing: drawings[nth % 3] ?? 'knee',
        seed: Math.floor(nth / 3),
      })),
      async ({ drawing, seed }) => ({ id: await store(drawing, seed), drawing }),
      { concurrency: 4 },
    );
    // Nobody says anything of these.
    const left: string[] = [];
    for (let seed = 500; seed < 504; seed++) left.push(await store('knee', seed));
    for (const id of [...stored.map((each) => each.id), ...left]) await decided(id);

    // One person corrects on the page, by the name of a view that no network knows.
    const [first, ...others] = stored;
    const page = await pages.open(`${real.orthanc.url}/plainview/review/#/instance/${first?.id}`);
    await page.locator('img.radiograph[data-loaded]').waitFor();
    await page.keyboard.press('e');
    await page.keyboard.type('calcaneus lat');
    await page.keyboard.press('Enter');
    await waitFor(async () => (await reader().record(first?.id ?? ''))?.category === 'calcaneus_lateral');
    // Another one by the API.
    await pMap(
      others,
      async ({ id, drawing }) => {
        const body = { category: truth[drawing], of: (await reader().record(id))?.when };
        const { status } = await callApi(api, 'PUT', `/instances/${id}/decision`, { body });
        expect(status).toBe(200);
      },
      { concurrency: 4 },
    );

    const trained = await run('train', '--orthanc', '--name', 'site-1');
    expect(trained.out).toContain('calcaneus_lateral');
    expect(trained.status).toBe(0);
    const used = await run('network', 'use', 'site-1');
    expect(used.status).toBe(0);
    expect((await run('network', 'list')).out).toMatch(/decides +site-1/);

    const newOne = async (drawing: Drawing) => {
      const id = await store(drawing, 1000);
      const record = await waitFor(async () => {
        const known = await reader().record(id);
        return known?.network.name === 'site-1' && known;
      });
      await reader().decided(id);
      return { record, labels: await reader().labels(`instances/${id}`) };
    };
    for (const drawing of ['knee', 'hand'] as const) {
      const { record, labels } = await newOne(drawing);
      expect(record).toMatchObject({ who: 'network', decision: 'category', category: truth[drawing] });
      expect(labels).toEqual([truth[drawing]]);
    }
    const none = await newOne('spine');
    expect(none.record).toMatchObject({ who: 'network' });
    expect(['unknown_view', 'needs_review']).toContain(none.record.decision);
    expect(none.labels).toEqual([none.record.decision]);
    // A sweep decides anew what nobody has decided, from kept features: Orthanc renders nothing.
    expect((await run('sweep')).status).toBe(0);
    for (const id of left)
      await waitFor(async () => (await reader().record(id))?.category === 'calcaneus_lateral', {
        timeout: 60_000,
      });
    const metrics = await (await fetch(`${api.url}/metrics`)).text();
    expect(Number(/^plainview_renderings_spared_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThanOrEqual(4);
    // What people said stands as it was.
    for (const { id, drawing } of stored) {
      const category = truth[drawing];
      const said = category === null ? { decision: 'unknown_view' } : { decision: 'category', category };
      expect(await reader().record(id)).toMatchObject({ who: 'person', ...said });
    }

    expect((await run('network', 'back')).status).toBe(0);
    const later = await store('knee', 2000);
    expect((await decided(later))?.network.name).not.toBe('site-1');
  }, 300_000);
});
