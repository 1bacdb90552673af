import { describe, expect, test } from 'vitest';
import { faults } from './support/axe.js';
import { hasBrowser } from './support/browser.js';
import { useReviewPage } from './support/review-page.js';

describe.skipIf(!hasBrowser)('the review page', () => {
  const review = useReviewPage();
  const { open } = review;
  const instance = (n: number) => `#/instance/${review.service.entries[n]?.instance}`;

  const views = [
    { name: 'the list', fragment: '#/?state=recent', colorScheme: 'light', width: 1280, height: 800 },
    { name: 'the list', fragment: '#/', colorScheme: 'light', width: 360, height: 740 },
    { name: 'the dashboard', fragment: '#/dashboard', colorScheme: 'light', width: 360, height: 740 },
    { name: 'a picture', fragment: '', colorScheme: 'dark', width: 768, height: 1024 },
    { name: 'a picture', fragment: '', colorScheme: 'light', width: 1180, height: 820 },
    { name: 'a picture', fragment: '', colorScheme: 'dark', width: 844, height: 390 },
    { name: 'the dashboard', fragment: '#/dashboard', colorScheme: 'light', width: 1280, height: 800 },
    { name: 'the dashboard', fragment: '#/dashboard', colorScheme: 'dark', width: 768, height: 1024 },
    { name: 'the report', fragment: '#/report', colorScheme: 'light', width: 360, height: 740 },
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
      const small =
        await page.evaluate(`[...document.querySelectorAll('button, input:not([type=checkbox]), select, .tabs a, .top a')]
      .filter((each) => each.checkVisibility({ visibilityProperty: true }) && !each.classList.contains('skip') && each.getBoundingClientRect().height < 43.9)
      .map((each) => each.outerHTML.slice(0, 120))`);
      expect(small).toEqual([]);
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
});
