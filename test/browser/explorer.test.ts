import type { Page } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hold, stubClassifier } from '../../testkit/classifier.js';
import { image, uid } from '../../testkit/dicom.js';
import { type StoredInstance, useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { hookAddress, Reader, startTestService, type TestService } from '../../testkit/service.js';
import { hasBrowser, useBrowser } from './support/browser.js';

const users = { alice: 'alices', bob: 'bobs' };

/** An Orthanc without a login, in which everybody may do everything; and a service to start and stop. */
describe.skipIf(!hasBrowser)('Orthanc Explorer', async () => {
  const hook = await hookAddress();
  const real = useOrthanc({ hook, explorer: true, configuration: { Plainview: { DefaultRole: 'admin' } } });
  const pages = useBrowser();
  let service: TestService;

  const start = () => startTestService({ orthanc: real.orthanc.url, hook, classifier: stubClassifier() });
  beforeEach(async () => {
    service = await start();
  });
  afterEach(async () => {
    const complaints = [...pages.complaints];
    await service.stop();
    expect(complaints).toEqual([]);
  });

  /** A study of two series with one radiograph each, decided as knee_lateral. */
  const decided = async (name: string): Promise<StoredInstance> => {
    const stored = [];
    for (const series of [1, 2])
      stored.push(
        await real.storeInstance(
          image({
            studyInstanceUid: uid(name),
            seriesInstanceUid: uid(`${name} ${series}`),
            patientId: name,
          }),
        ),
      );
    for (const { orthancId } of stored) await new Reader(real.orthanc.url).decided(orthancId);
    const [first] = stored;
    if (first === undefined) throw new Error('nothing was stored');
    return first;
  };
  /** Pictures are ankles from now on, said when the returned function is called. */
  const held = (): (() => void) => hold(service.classifier, { category: 'ankle_ap', score: 0.97 }).release;
  const open = (level: string, id: string) =>
    pages.open(`${real.orthanc.url}/app/explorer.html#${level}?uuid=${id}`);
  const panel = (page: Page, level: string) => page.locator(`#plainview-${level}`);
  const says = (page: Page, level: string, words: string | RegExp) =>
    panel(page, level).getByText(words).first().waitFor();

  test('from the page of a study Reclassify is clicked, and the new label appears', async () => {
    const { study } = await decided('clicked');
    const go = held();
    const page = await open('study', study);
    await says(page, 'study', 'knee_lateral: 2');
    await panel(page, 'study').getByText('Reclassify').click();
    await says(page, 'study', '0 of 2 looked at again, for anonymous');
    go();
    await page.locator('#study-info .label').getByText('ankle_ap').waitFor();
    await says(page, 'study', 'ankle_ap: 2');
    expect(await page.locator('#study-info .label').getByText('knee_lateral').count()).toBe(0);
  });

  test('a request that is under way can be cancelled, also from a page opened since', async () => {
    const { study, orthancId } = await decided('cancelled');
    const go = held();
    await fetch(`${real.orthanc.url}/plainview/reclassify`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ resources: study }),
    });
    const page = await open('study', study);
    await panel(page, 'study').getByText('Cancel').click();
    await panel(page, 'study').getByText('Reclassify').waitFor();
    expect(
      await new Reader(real.orthanc.url).metadata(`instances/${orthancId}`, 'RadiographReclassify'),
    ).toBeUndefined();
    go();
  });

  test.each([
    ['patient', 'patient', ['knee_lateral: 2'], 'study', 'study'],
    ['study', 'study', ['knee_lateral: 2'], 'study', 'study'],
    ['series', 'series', ['knee_lateral: 1'], 'study', 'study'],
    [
      'instance',
      'orthancId',
      ['knee_lateral (score 0.990)', /^By the network stub, 20/],
      'instance',
      'orthancId',
    ],
  ] as const)(
    'the page of the %s tells what was decided, and leads to the review page',
    async (level, key, words, fragment, of) => {
      const stored = await decided(`told on ${level}`);
      const page = await open(level, stored[key]);
      for (const text of words) await says(page, level, text);
      await panel(page, level).getByText('Reclassify').waitFor();
      const link = panel(page, level).getByText('Review', { exact: true });
      expect(await link.getAttribute('href')).toBe(`../plainview/review/#/${fragment}/${stored[of]}`);
    },
  );

  test('that a person’s answer outlives Reclassify is told beside it, and true', async () => {
    const { orthancId } = await decided('corrected');
    const reader = new Reader(real.orthanc.url);
    const correction = await fetch(`${real.orthanc.url}/plainview/api/v1/instances/${orthancId}/decision`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ category: 'hand_ap', of: (await reader.record(orthancId))?.when }),
    });
    expect(correction.status).toBe(200);
    const page = await open('instance', orthancId);
    await says(page, 'instance', 'Reclassify leaves a person’s answer as it is; Review can take it back.');
    await panel(page, 'instance').getByText('Reclassify', { exact: true }).click();
    await waitFor(async () => {
      const runs = await fetch(`${real.orthanc.url}/plainview/api/v1/requests`);
      return /"state":"done"/.test(await runs.text());
    });
    await says(page, 'instance', /^By anonymous, 20/);
    expect(await reader.record(orthancId)).toMatchObject({ category: 'hand_ap', who: 'person' });
  });

  test('Review opens the review page under Orthanc’s own address', async () => {
    const { orthancId } = await decided('reviewed');
    const page = await open('instance', orthancId);
    await panel(page, 'instance').getByText('Review', { exact: true }).click();
    await page.locator('img.radiograph').waitFor();
    expect(page.url()).toBe(`${real.orthanc.url}/plainview/review/#/instance/${orthancId}`);
    await page
      .getByText(/knee.*lateral/i)
      .first()
      .waitFor();
  });

  test('what is unsure says why', async () => {
    service.classifier.answer = async () => ({ category: 'hand_ap', score: 0.5 });
    const { orthancId, study } = await decided('unsure');
    const page = await open('instance', orthancId);
    await says(page, 'instance', 'To be reviewed');
    await says(page, 'instance', 'Best: hand_ap (score 0.500)');
    await page.goto(`${real.orthanc.url}/app/explorer.html#study?uuid=${study}`);
    await says(page, 'study', 'To be reviewed: 2');
    const german = await pages.open(page.url(), { locale: 'de-DE' });
    await says(german, 'study', 'Zu prüfen: 2');
    await panel(german, 'study').getByText('Neu klassifizieren').waitFor();
  });

  test('what somebody else wrote into the metadata stays text', async () => {
    const { orthancId, study } = await decided('markup');
    // It may still read in the change log that this was stored, find no record that it knows, and decide anew.
    await service.stop();
    try {
      const reader = new Reader(real.orthanc.url);
      const markup = '<img src=x onerror="document.title = 1">';
      const record = { ...(await reader.record(orthancId)), category: markup, reason: markup };
      await reader.put(`instances/${orthancId}`, 'Radiograph', JSON.stringify(record));
      await reader.put(
        `studies/${study}`,
        'Radiograph',
        JSON.stringify({ categories: { [markup]: 1 }, decisions: {} }),
      );
      const page = await open('instance', orthancId);
      await says(page, 'instance', `${markup} (score 0.990)`);
      await page.goto(`${real.orthanc.url}/app/explorer.html#study?uuid=${study}`);
      await says(page, 'study', `${markup}: 1`);
      expect(await page.locator('[id^=plainview-] img').count()).toBe(0);
    } finally {
      service = await start();
    }
  });

  test('without the service it tells what stands in Orthanc, and keeps what is asked for', async () => {
    const { study } = await decided('away');
    await service.stop();
    try {
      const page = await open('study', study);
      await says(page, 'study', 'knee_lateral: 2');
      await says(page, 'study', /^Plainview does not answer/);
      await panel(page, 'study').getByText('Reclassify').click();
      await says(page, 'study', 'Kept in Orthanc: Plainview does it as soon as it is back.');
      const asked = await new Reader(real.orthanc.url).metadata(`studies/${study}`, 'RadiographReclassify');
      expect(JSON.parse(asked ?? '')).toMatchObject({
        who: 'anonymous',
        when: expect.stringMatching(/^20.*Z$/),
      });
    } finally {
      service = await start();
    }
  });
});

describe.skipIf(!hasBrowser)('Orthanc Explorer with a login', async () => {
  const hook = await hookAddress();
  const real = useOrthanc({
    hook,
    explorer: true,
    configuration: { RegisteredUsers: users, Plainview: { Roles: { alice: 'admin' } } },
  });
  const pages = useBrowser();

  test('whoever is no admin is shown no button, and refused without one', async () => {
    const headers = { authorization: `Basic ${Buffer.from('bob:bobs').toString('base64')}` };
    const body = Buffer.from(image({}));
    const stored = (await (
      await fetch(`${real.orthanc.url}/instances`, { method: 'POST', body, headers })
    ).json()) as {
      ParentStudy: string;
    };
    const url = `${real.orthanc.url}/app/explorer.html#study?uuid=${stored.ParentStudy}`;
    const as = async (username: keyof typeof users) => {
      const page = await pages.open(url, { httpCredentials: { username, password: users[username] } });
      await page
        .locator('#plainview-study')
        .getByText(/^Nothing decided/)
        .waitFor();
      return page.locator('#plainview-study');
    };
    expect(await (await as('alice')).getByText('Reclassify').count()).toBe(1);
    expect(await (await as('bob')).getByText('Reclassify').count()).toBe(0);
    const refused = await fetch(`${real.orthanc.url}/plainview/reclassify`, {
      method: 'POST',
      body: JSON.stringify({ resources: stored.ParentStudy }),
      headers: { ...headers, 'content-type': 'application/json' },
    });
    expect(refused.status).toBe(403);
  });
});
