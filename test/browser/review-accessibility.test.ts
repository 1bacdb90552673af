import { describe, expect, test } from 'vitest';
import { faults } from './support/axe.js';
import { hasBrowser } from './support/browser.js';
import { misfits, smallTargets } from './support/fit.js';
import { useReviewPage } from './support/review-page.js';

describe.skipIf(!hasBrowser)('the review page', () => {
  const review = useReviewPage();
  const { open } = review;
  const instance = (n: number) => `#/instance/${review.service.entries[n]?.instance}`;

  const views = [
    { name: 'the list', fragment: '#/?state=recent', colorScheme: 'light', width: 1280, height: 800 },
    { name: 'a picture', fragment: '', colorScheme: 'dark', width: 768, height: 1024 },
    { name: 'a picture', fragment: '', colorScheme: 'light', width: 1180, height: 820 },
    { name: 'a picture', fragment: '', colorScheme: 'dark', width: 844, height: 390 },
    { name: 'the dashboard', fragment: '#/dashboard', colorScheme: 'light', width: 1280, height: 800 },
    { name: 'the dashboard', fragment: '#/dashboard', colorScheme: 'dark', width: 768, height: 1024 },
    { name: 'the report', fragment: '#/report', colorScheme: 'dark', width: 1280, height: 800 },
  ] as const;
  test.each(views)(
    '$name, $colorScheme at $width: axe finds nothing serious, targets suit fingers, nothing sticks out',
    async ({ fragment, colorScheme, ...viewport }) => {
      review.service.me = { who: 'adam', role: 'admin', how: 'orthanc' };
      for (const entry of review.service.entries.slice(0, 6)) entry.proposed = ['oblique_view_of_Lauenstein'];
      const page = await open(fragment || instance(4), { colorScheme, viewport });
      await page.locator('img, .panel').first().waitFor();
      if (fragment === '') {
        await page.keyboard.press('a');
        await page.locator('canvas.map[data-drawn]').waitFor();
      }
      if (fragment === '#/dashboard') await page.locator('summary', { hasText: 'Classify again' }).click();
      expect(await faults(page)).toEqual([]);
      expect(await smallTargets(page)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
    },
  );

  test('the sign-in and the open list of corrections have no serious fault either', async () => {
    const page = await open(instance(0));
    await page.locator('img.radiograph[data-loaded]').waitFor();
    await page.keyboard.press('e');
    await page.getByRole('option').first().waitFor();
    expect(await faults(page)).toEqual([]);
    await page.keyboard.type('lat');
    await page.getByRole('group', { name: /^Calcaneus/ }).waitFor();
    expect(await faults(page)).toEqual([]);
    review.service.token = 'pv_right';
    await page.reload();
    await page.getByLabel('Token').waitFor();
    expect(await faults(page)).toEqual([]);
  });

  test('in German at 360: on every state all texts fit, and axe finds nothing serious in either colour scheme', async () => {
    const { service } = review;
    service.me = { who: 'adam', role: 'admin', how: 'orthanc' };
    service.status.viewers = [{ name: 'OHIF', url: 'http://viewer.example/{StudyInstanceUID}' }];
    service.drift = (['unsure', 'unknown', 'scores', 'corrected'] as const).map((signal) => ({
      station: 'ROOM1',
      category: 'sternoclavicular_joints_pa',
      signal,
      when: '2026-01-20T08:00:00.000Z',
      before: 0.1,
      now: 0.4,
      examples: service.entries.slice(0, 2).map((entry) => entry.instance),
    }));
    const [unsure, unknown, given, failed] = (
      ['needs_review', 'unknown_view', 'category', 'failed'] as const
    ).map((decision) => service.entries.find((entry) => entry.decision === decision));
    const differing = service.entries.find(({ order }) => order !== undefined);
    if (given === undefined || unsure === undefined || differing === undefined) throw new Error('no entries');
    given.proposed = ['abdomen_lateral_cross_table'];
    unsure.proposed = ['cervicothoracic_junction_lateral'];
    differing.decision = 'category';
    differing.category = 'zygomatic_arches_submentovertical';
    const page = await open('#/', { locale: 'de-DE', viewport: { width: 360, height: 740 } });
    const states: string[] = [];
    const check = async (state: string) => {
      const found: string[] = [];
      await page.emulateMedia({ colorScheme: 'light' });
      // What the service says in English alone.
      found.push(...(await page.locator('main [lang=en]:not(button)').allInnerTexts()));
      found.push(...(await misfits(page)), ...(await smallTargets(page)), ...(await faults(page)));
      await page.emulateMedia({ colorScheme: 'dark' });
      found.push(...(await faults(page, 'color-contrast')));
      expect(found, state).toEqual([]);
      states.push(state);
    };
    const show = async (fragment: string, ready: string) => {
      await page.evaluate(`location.hash = ${JSON.stringify(fragment)}`);
      await page.locator(ready).first().waitFor();
    };
    const button = (name: string | RegExp) => page.getByRole('button', { name });

    await page.locator('.tile img').first().waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('de');
    await check('list');
    await show('#/?state=settled_by_person&minScore=2', '#filter-minScore-problem');
    await check('done list, empty, with filters and what is wrong with them');
    await show('#/?state=category_proposed', '.tile img');
    await check('proposals');
    await button('Tastenkürzel').click();
    await page.getByRole('dialog').waitFor();
    await check('keys');
    await button('Schließen').click();
    await show(`#/study/${unsure.study}`, '.one-study');
    await check('study');

    for (const entry of [unsure, unknown, failed, differing]) {
      await show(`#/instance/${entry?.instance}`, '.side h1');
      await page.locator('.radiograph[data-loaded]').waitFor();
      await check(`picture, ${entry?.decision}`);
    }
    await page.getByRole('combobox', { name: /Korrigieren/ }).fill('seit');
    await page.getByRole('group').filter({ hasText: 'Kalkaneus' }).first().waitFor();
    await check('correction');
    await page.keyboard.press('Escape');
    service.troubles.set('POST instances', {
      status: 409,
      code: 'not_proposed',
      title: 'Nobody proposes it.',
      params: { category: 'abdomen_lateral' },
    });
    await button(/^Bestätigen/).click();
    await page.getByRole('alert').filter({ hasText: 'Niemand schlägt' }).waitFor();
    await check('a conflict');
    service.troubles.clear();
    await button(/Anforderung falsch/).click();
    await page.getByRole('status').filter({ hasText: 'Vermerkt' }).waitFor();
    await check('an answer');

    await show('#/dashboard', '.interval');
    await page.locator('summary', { hasText: 'Neu klassifizieren' }).click();
    await page.locator('summary', { hasText: 'Als Tabelle' }).first().click();
    await check('dashboard');
    await show('#/report', '.interval');
    await check('report');
    await show('#/grid', '[role=gridcell]');
    await check('many at once');

    service.token = 'pv_right';
    await page.reload();
    await page.getByLabel('Token').fill('pv_wrong');
    await button('Anmelden').click();
    await page.getByRole('alert').filter({ hasText: 'kennt dieses Token nicht' }).waitFor();
    await check('sign-in, refused');
    expect(states.length).toBe(16);
  });

  test('without a mouse: every stop is seen, the language is switched and stays, and the picture is decided in it', async () => {
    const page = await open('#/', { locale: 'en-US' });
    await page.locator('.tile img').first().waitFor();
    const stops: string[] = [];
    for (let n = 0; n < 12; n++) {
      await page.keyboard.press('Tab');
      const stop: { name: string; isSeen: boolean } = await page.evaluate(`(() => {
        const { activeElement: at } = document;
        const { top, left, right, bottom } = at.getBoundingClientRect();
        const ring = getComputedStyle(at).outlineStyle !== 'none';
        return { name: at.getAttribute('aria-label') ?? at.textContent.trim(), isSeen: ring && top >= 0 && left >= 0 && right <= innerWidth && bottom <= innerHeight };
      })()`);
      expect(stop).toMatchObject({ isSeen: true });
      stops.push(stop.name);
      if (stop.name === 'DE – Deutsch') break;
    }
    expect(stops.at(-1)).toBe('DE – Deutsch');
    await page.keyboard.press('Enter');
    expect(stops[0]).toBe('Skip to the content');
    await page.getByRole('link', { name: 'Arbeitsliste', exact: true }).waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('de');
    await page.reload();
    await page.locator('.tile img').first().waitFor();
    await page.keyboard.press('s');
    await page.locator('.radiograph[data-loaded]').waitFor();
    await page.keyboard.press('e');
    await page.keyboard.type('kn seit');
    await page.keyboard.press('Enter');
    await page
      .getByRole('status')
      .filter({ hasText: 'Korrigiert: Knie seitlich. U macht es rückgängig.' })
      .waitFor();
    expect(review.service.asked.at(-1)).toMatch(/^PUT .*"category":"knee_lateral"/);
  });
});
