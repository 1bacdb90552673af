import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createToken } from '../../src/access/tokens.js';
import { stubClassifier } from '../../testkit/classifier.js';
import { radiograph, uid } from '../../testkit/dicom.js';
import { type StoredInstance, useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { hookAddress, Reader, startTestService, type TestService } from '../../testkit/service.js';
import { hasBrowser, useBrowser } from './support/browser.js';
import { draw } from './support/pictures.js';

/** A real Orthanc with the plugin, the real service with a classifier that is never sure, and Chromium. */
describe.skipIf(!hasBrowser)('the review page on a real Orthanc', async () => {
  const hook = await hookAddress();
  const real = useOrthanc({
    hook,
    explorer: true,
    configuration: { Plainview: { DefaultRole: 'reviewer' } },
  });
  const pages = useBrowser();
  const viewer = createToken('victor', 'viewer');
  let folder: string;
  let service: TestService;
  /** A test that is tried again needs a study that is not there yet. */
  let pairs = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plainview-tokens-'));
    await writeFile(join(folder, 'tokens'), viewer.line);
    const classifier = stubClassifier();
    classifier.answer = async () => ({ category: 'knee_ap', score: 0.6 });
    service = await startTestService({
      orthanc: real.orthanc.url,
      hook,
      classifier,
      env: { PLAINVIEW_TOKENS_FILE: join(folder, 'tokens') },
    });
  });
  afterAll(async () => {
    await service.stop();
    await rm(folder, { recursive: true });
  });
  afterEach(() => {
    expect(pages.complaints).toEqual([]);
  });

  const stored = async (name: string, series = ''): Promise<StoredInstance> => {
    const instance = await real.storeInstance(
      radiograph(await draw('knee'), {
        rows: 350,
        columns: 200,
        studyInstanceUid: uid(name),
        seriesInstanceUid: uid(`${name} ${series}`),
        patientName: 'SECRET^NAME',
        patientId: name,
        attributes: { '0008,103e': ['LO', name] },
      }),
    );
    await new Reader(real.orthanc.url).decided(instance.orthancId);
    return instance;
  };
  const labels = (resource: string) => new Reader(real.orthanc.url).labels(resource);
  const allLevels = async ({ orthancId, series, study }: StoredInstance) => [
    await labels(`instances/${orthancId}`),
    await labels(`series/${series}`),
    await labels(`studies/${study}`),
  ];
  const shown = async (page: Page, instance: StoredInstance) => {
    await page.waitForURL(`**/#/instance/${instance.orthancId}`);
    await page.locator('img.radiograph[data-loaded]').waitFor();
  };

  test('three are reviewed with the keyboard alone, and Orthanc’s labels say so on all levels', async () => {
    for (const name of ['first', 'second', 'third']) await stored(name);
    const page = await pages.open(`${real.orthanc.url}/plainview/review/`);
    await page.locator('a.tile').nth(2).waitFor();
    expect(await page.content()).not.toContain('SECRET');
    await page.keyboard.press('s');
    const reviewed: string[] = [];
    const actions = [
      { keys: ['Enter'], words: 'Confirmed: Knee AP.' },
      { keys: ['e', 'c', 'h', ' ', 'p', 'a', 'Enter'], words: 'Corrected: Chest PA/AP.' },
      { keys: ['n'], words: 'Corrected: none of these.' },
    ];
    for (const { keys, words } of actions) {
      await page.locator('img.radiograph[data-loaded]').waitFor();
      const instance = page.url().split('/').pop() ?? '';
      reviewed.push(instance);
      for (const key of keys) await page.keyboard.press(key);
      await page.locator('.notices').getByText(words).waitFor();
      if (reviewed.length < 3) await page.waitForURL((url) => !url.hash.endsWith(instance));
      expect(await new Reader(real.orthanc.url).record(instance)).toMatchObject({ who: 'person' });
    }
    expect(new Set(reviewed).size).toBe(3);
    for (const [n, given] of [['knee_ap'], ['chest_pa_ap'], []].entries()) {
      const expected = [...given, 'settled_by_person'];
      const id = reviewed[n] ?? '';
      const parent = async (level: string) =>
        ((await (await fetch(`${real.orthanc.url}/instances/${id}/${level}`)).json()) as { ID: string }).ID;
      await waitFor(
        async () => (await labels(`studies/${await parent('study')}`)).join() === expected.join(),
        {
          what: `${expected} on the study`,
        },
      );
      expect(await labels(`instances/${id}`)).toEqual(expected);
      expect(await labels(`series/${await parent('series')}`)).toEqual(expected);
    }
    expect(await page.content()).not.toContain('SECRET');
  });

  test('an undo brings the network’s decision and its labels back', async () => {
    const instance = await stored('undone');
    const page = await pages.open(`${real.orthanc.url}/plainview/review/#/instance/${instance.orthancId}`);
    await shown(page, instance);
    await page.keyboard.press('n');
    await page.locator('.notices').getByText('Corrected: none of these.').waitFor();
    await waitFor(async () => (await labels(`studies/${instance.study}`)).join() === 'settled_by_person');
    await page.keyboard.press('u');
    await page.locator('.notices').getByText('Undone').waitFor();
    await waitFor(async () => (await labels(`studies/${instance.study}`)).join() === 'needs_review');
    expect(await allLevels(instance)).toEqual([['needs_review'], ['needs_review'], ['needs_review']]);
    expect(await new Reader(real.orthanc.url).record(instance.orthancId)).toMatchObject({ who: 'network' });
  });

  test('what a viewer’s token opens has no controls, and no key changes anything', async () => {
    const instance = await stored('looked at');
    const before = await new Reader(real.orthanc.url).record(instance.orthancId);
    const page = await pages.open(`${service.url}/review/#/instance/${instance.orthancId}`);
    await page.getByLabel('Token').fill(viewer.token);
    await page.keyboard.press('Enter');
    await shown(page, instance);
    await page.getByText(/You \(victor\) can only view/).waitFor();
    for (const key of ['Enter', 'y', '2', 'n', 'u']) await page.keyboard.press(key);
    expect(await page.getByRole('combobox').count()).toBe(0);
    expect(await new Reader(real.orthanc.url).record(instance.orthancId)).toEqual(before);
    // Here events come through; behind the plugin the page asks.
    await page.locator('.live').getByText('Live').waitFor();
    await page.keyboard.press('a');
    await page.locator('canvas.map[data-drawn="knee_ap"]').waitFor();
  });

  test('a drag asks Orthanc for the window, and the study’s other pictures are a click away', async () => {
    pairs++;
    const [instance] = [await stored(`pair ${pairs}`, '1'), await stored(`pair ${pairs}`, '2')];
    const page = await pages.open(`${real.orthanc.url}/plainview/review/#/instance/${instance.orthancId}`);
    await shown(page, instance);
    const answered = page.waitForResponse(/picture\?.*center=/);
    await page.keyboard.press('m');
    expect((await answered).status()).toBe(200);
    await page.getByRole('link', { name: 'pictures of this study' }).click();
    // The list that was there before may still be shown for a moment.
    await expect.poll(() => page.locator('a.tile').count(), { timeout: 10_000 }).toBe(2);
    // Orthanc's plugin passes no events on. The page does not ask for them, so the console shows no error.
    const asked = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
    expect(asked.filter((url) => url.endsWith('/status')).length).toBeGreaterThan(0);
    expect(asked.filter((url) => url.endsWith('/events'))).toEqual([]);
  });

  test('the dashboard tells what people said of this network', async () => {
    const page = await pages.open(`${real.orthanc.url}/plainview/review/#/dashboard`);
    await page.getByRole('heading', { name: 'Engine and network' }).waitFor();
    await page.getByText(/where it had asked for a person, its best guess was right in/).waitFor();
  });
});
