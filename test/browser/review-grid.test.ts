import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { waitFor } from '../../testkit/orthanc.js';
import { faults } from './support/axe.js';
import { hasBrowser } from './support/browser.js';
import { madeEntry } from './support/fake-entries.js';
import { useReviewPage } from './support/review-page.js';

/** GRID_PICTURES=200 is the measured path of a reader who need not think. */
const many = Number(process.env.GRID_PICTURES ?? 60);

describe.skipIf(!hasBrowser)('the grid', () => {
  const review = useReviewPage();
  /** As many chests that need review, with scores from 0.3 up, in no order. */
  const chests = (number: number) => {
    review.service.entries.length = 0;
    for (let n = 0; n < number; n++) {
      const { entry } = madeEntry(0);
      const { instance } = madeEntry(n).entry;
      const top = [{ category: 'chest_pa_ap', score: 0.3 + (((n * 37) % number) / number) * 0.5 }];
      review.service.entries.push({ ...entry, instance, top });
    }
  };
  const open = async (options = {}) => {
    const page = await review.open('#/grid', { viewport: { width: 1280, height: 1400 }, ...options });
    await drawn(page);
    return page;
  };
  const cells = (page: Page) => page.getByRole('gridcell');
  /** All pictures of the page have been on the screen. */
  const drawn = async (page: Page) => {
    await cells(page).first().waitFor();
    const waiting = page.locator('[role=gridcell]:not([data-seen]):not(:has(.no-picture))');
    await waiting.first().waitFor({ state: 'detached' });
  };
  const said = (page: Page, words: string | RegExp) => page.locator('.notices').getByText(words).waitFor();
  const confirmed = () => review.service.entries.filter(({ who }) => who === 'person').length;
  /** One key confirms the page, and the next one is shown. */
  const confirmPage = async (page: Page) => {
    const first = await cells(page).first().getAttribute('data-instance');
    await page.keyboard.press('Enter');
    await page.locator(`[role=gridcell][data-instance="${first}"]`).waitFor({ state: 'detached' });
  };

  test('by keyboard alone: the doubtful come first, the odd one is taken out, the rest confirmed, all undone', async () => {
    chests(many);
    const page = await open();
    const labels = await cells(page).evaluateAll((all) => all.map((each) => each.textContent));
    expect(labels).toHaveLength(30);
    const scores = labels.map((label) => Number(/score ([\d.]+)/.exec(label ?? '')?.[1]));
    expect(scores).toEqual([...scores].sort((one, other) => one - other));
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    await page.getByText('30 pictures, 1 taken out').waitFor();
    const odd = await page.locator('[aria-selected=false]').getAttribute('data-instance');
    await confirmPage(page);
    await said(page, 'Confirmed as Chest PA/AP: 29 pictures.');
    expect(confirmed()).toBe(29);
    await drawn(page);
    await page.keyboard.press('u');
    await said(page, 'Undone: 29 pictures.');
    expect(confirmed()).toBe(0);
    expect(await page.locator('[aria-selected=false]').getAttribute('data-instance')).toBe(odd);
  });

  test(`${many} pictures without time to think`, { timeout: 180_000 }, async () => {
    chests(many);
    const began = performance.now();
    const page = await open();
    while (confirmed() < many - Math.ceil(many / 30)) {
      await drawn(page);
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('Space');
      await confirmPage(page);
    }
    console.info(`${many} pictures in the grid: ${((performance.now() - began) / 1000).toFixed(1)} s`);
    await page.getByText('Nothing here waits for a confirmation.').waitFor();
    expect(review.service.entries.filter(({ who }) => who === 'network')).toHaveLength(Math.ceil(many / 30));
  });

  test('what changed meanwhile is refused and shown; what has no picture, or was not on the screen, is not confirmed', async () => {
    chests(20);
    review.service.troubles.set(`GET instances/${review.service.entries[3]?.instance}/thumbnail`, {
      status: 422,
      code: 'instance_not_renderable',
      title: 'It has no picture.',
    });
    const page = await review.open('#/grid', { viewport: { width: 360, height: 640 } });
    await page.getByText('20 pictures, 1 taken out').waitFor();
    await page.keyboard.press('Enter');
    await said(page, /^First look at the rest: \d+ pictures not seen yet\./);
    expect(review.service.asked).toEqual([]);
    const changed = review.service.entries[5];
    if (changed === undefined) throw new Error('there is no entry');
    changed.when = '2026-02-01T00:00:00.000Z';
    // Each time, Enter leads to what has not been on the screen.
    await waitFor(async () => {
      await page.keyboard.press('Enter');
      return confirmed() > 0;
    });
    await page.getByRole('heading', { name: 'Refused: 1 picture' }).waitFor();
    expect(await page.getByRole('link', { name: 'Show the picture' }).getAttribute('href')).toBe(
      `#/instance/${changed.instance}`,
    );
    expect(confirmed()).toBe(18);
  });

  test('an answer that is lost: the page says so, shows what is left, and undo takes all back', async () => {
    chests(20);
    const page = await open();
    review.service.troubles.set('POST confirmations', 'cut');
    await page.keyboard.press('Enter');
    await said(page, /Some may be confirmed/);
    review.service.troubles.clear();
    await page.keyboard.press('u');
    await said(page, 'Undone: 20 pictures.');
  });

  test.each([
    { colorScheme: 'light', width: 360, height: 740, hasTouch: true },
    { colorScheme: 'dark', width: 1280, height: 800, hasTouch: false },
  ] as const)(
    'in $colorScheme at $width: axe finds nothing serious, nothing sticks out, and a tap or click takes out',
    async ({ colorScheme, hasTouch, ...viewport }) => {
      chests(20);
      const page = await review.open('#/grid', { colorScheme, viewport, hasTouch });
      const second = cells(page).nth(1);
      await (hasTouch ? second.tap() : second.click());
      await page.getByText('20 pictures, 1 taken out').waitFor();
      expect(await faults(page)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
      await page.getByLabel('Which').selectOption('category');
      await page.getByText('Nothing here waits for a confirmation.').waitFor();
      expect(await faults(page)).toEqual([]);
    },
  );
});
