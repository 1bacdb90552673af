import type { Page, Route } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { hasBrowser } from './support/browser.js';
import { useReviewPage } from './support/review-page.js';

describe.skipIf(!hasBrowser)('the review page, where an answer comes late', () => {
  const review = useReviewPage();

  /** Keeps back the answer to the first POST there, to be let go. */
  const held = async (page: Page, path: string): Promise<{ first: Promise<Route> }> => {
    let come: ((route: Route) => void) | undefined;
    const first = new Promise<Route>((resolve) => {
      come = resolve;
    });
    await page.route(path, (route) => {
      if (route.request().method() !== 'POST' || come === undefined) return route.fallback();
      come(route);
      come = undefined;
    });
    return { first };
  };

  test('a form changed while it was being counted must be counted again before anything begins', async () => {
    review.service.me = { ...review.service.me, role: 'admin' };
    const page = await review.open('#/dashboard');
    const { first } = await held(page, '**/api/v1/requests');
    await page.locator('summary', { hasText: 'Classify again' }).click();
    await page.getByRole('button', { name: 'Count', exact: true }).click();
    const counting = await first;
    await page.getByLabel('Include what people corrected').check();
    await counting.fulfill({ json: run });
    await page.locator('.job-form button:enabled').waitFor();
    expect(await page.locator('.job-form button').textContent()).toBe('Count');
  });

  test('whoever has left for the list while a decision was on its way stays there', async () => {
    const [first] = review.service.entries.filter(({ decision }) => decision === 'needs_review');
    const page = await review.open();
    await page.locator('a.tile').first().waitFor();
    await page.keyboard.press('s');
    await page.locator('img.radiograph[data-loaded]').waitFor();
    const { first: deciding } = await held(page, '**/confirmation');
    await page.keyboard.press('Enter');
    const decision = await deciding;
    await page.keyboard.press('Escape');
    await page.locator('a.tile').first().waitFor();
    await decision.continue();
    await page.locator('.notices').getByText('Confirmed').waitFor();
    expect(page.url()).not.toContain('#/instance/');
    expect(review.service.asked).toHaveLength(1);
    expect(review.service.entries.find(({ instance }) => instance === first?.instance)?.who).toBe('person');
  });

  test('a token that no header could carry is refused at once, and the right one goes on', async () => {
    review.service.token = 'pv_right';
    const page = await review.open();
    await page.getByLabel('Token').fill('pv–right');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('does not know this token').waitFor();
    await page.getByLabel('Token').fill('pv_right');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('a.tile').first().waitFor();
  });
});

/** A finished count. */
const run = {
  id: '00000000-0000-4000-8000-000000000000',
  who: 'alice',
  when: '2026-01-01T00:00:00.000Z',
  selection: { all: true },
  includingCorrected: false,
  state: 'done',
  dryRun: true,
  asked: 42,
  corrected: 0,
  otherVersion: 0,
  answered: 0,
  rate: 0,
};
