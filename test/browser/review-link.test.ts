import { describe, expect, test } from 'vitest';
import { waitFor } from '../../testkit/orthanc.js';
import { hasBrowser } from './support/browser.js';
import { useReviewPage } from './support/review-page.js';

describe.skipIf(!hasBrowser)('the review page and its service', () => {
  const review = useReviewPage();

  test('behind Orthanc, which answers for a service that is away, that is said; the list stays', async () => {
    review.service.streams = false;
    const page = await review.open();
    await page.locator('a.tile').first().waitFor();
    const title = 'Plainview does not answer. Is it running?';
    review.service.troubles.set('', { status: 503, code: 'service_away', title });
    await page.keyboard.press('r');
    await page.getByText(title).first().waitFor();
    await page.locator('.live').getByText('Service does not answer').waitFor();
    expect(await page.locator('a.tile').count()).toBeGreaterThan(0);
    review.service.troubles.clear();
    await page.locator('.live').getByText('Up to date').waitFor();
  });

  test('what somebody else decided is seen in the list where no events come through', async () => {
    review.service.streams = false;
    const page = await review.open();
    const tile = page.locator('a.tile').first();
    await tile.waitFor();
    const first = review.service.entries.findIndex(({ decision }) => decision === 'needs_review');
    const entry = review.service.entries[first];
    if (entry === undefined) throw new Error('there is no entry to decide');
    const when = '2026-06-01T00:00:00.000Z';
    review.service.entries[first] = {
      ...entry,
      decision: 'category',
      category: 'hand_ap',
      who: 'person',
      person: { who: 'bob', when, action: 'correct' },
      when,
    };
    await page.locator('a.tile.by-person').first().waitFor({ timeout: 40_000 });
  });

  test('a page that nobody looks at leaves its connection to others, and follows again when it is shown', async () => {
    const page = await review.open();
    await waitFor(() => review.service.followers() === 1);
    const show = (isHidden: boolean) =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'))`);
    await show(true);
    await waitFor(() => review.service.followers() === 0);
    await show(false);
    await waitFor(() => review.service.followers() === 1);
  });

  test('a score may be written with a comma, and what is none is said and not asked for', async () => {
    const page = await review.open();
    await page.getByRole('button', { name: 'Filters' }).click();
    const field = page.getByLabel('Score from');
    await field.fill('0,9');
    await field.press('Tab');
    await page.waitForURL(/minScore=0\.9/);
    await field.fill('high');
    await field.press('Tab');
    expect(await page.locator('input[aria-invalid="true"]').count()).toBe(1);
    expect(page.url()).toContain('minScore=0.9');
  });

  test('works where the browser may keep nothing', async () => {
    review.service.token = 'pv_right';
    const page = await review.pages.open('about:blank');
    for (const storage of ['localStorage', 'sessionStorage'])
      await page.addInitScript(
        `Object.defineProperty(window, '${storage}', { get() { throw new DOMException('forbidden', 'SecurityError'); } })`,
      );
    await page.goto(`${review.service.url}/review/`);
    await page.getByLabel('Token').fill('pv_right');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('a.tile').first().waitFor();
  });
});
