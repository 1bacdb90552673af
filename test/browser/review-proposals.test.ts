import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { hasBrowser } from './support/browser.js';
import { useReviewPage } from './support/review-page.js';

describe.skipIf(!hasBrowser)('a category that somebody set as a label in Orthanc', () => {
  const review = useReviewPage();

  /** The page of the first picture, a chest, where somebody proposes a knee; from the list of proposals. */
  async function openProposal(): Promise<{ page: Page; instance: string; study: string; when: string }> {
    const [entry] = review.service.entries;
    if (entry === undefined) throw new Error('there is no entry');
    entry.proposed = ['knee_ap'];
    const page = await review.open();
    await page.getByRole('link', { name: /^Proposed/ }).click();
    await page.getByText('1 picture').waitFor();
    await page.getByRole('link', { name: /Proposed: Knee AP/ }).click();
    await page.locator('img.radiograph[data-loaded]').waitFor();
    return { page, ...entry };
  }
  const asked = (page: Page) => page.getByRole('region', { name: 'Proposed: Knee AP' });
  const said = (page: Page, words: string) => page.locator('.notices').getByText(words).waitFor();

  test('is listed, and a reviewer takes it as a correction', async () => {
    const { page, instance, when } = await openProposal();
    await asked(page).getByRole('button', { name: 'This picture is Knee AP' }).click();
    await said(page, 'Corrected: Knee AP.');
    expect(review.service.asked).toEqual([
      `PUT instances/${instance}/decision {"category":"knee_ap","of":"${when}"}`,
    ]);
  });

  test('is dismissed, and the picture is as it was', async () => {
    const { page, instance, study } = await openProposal();
    await asked(page).getByRole('button', { name: 'No, do not ask again' }).click();
    await said(page, 'Dismissed: Knee AP.');
    await asked(page).waitFor({ state: 'detached' });
    expect(review.service.asked).toEqual([`POST studies/${study}/dismissal {"category":"knee_ap"}`]);
    expect(page.url()).toContain(instance);
  });

  test('that another reviewer has answered meanwhile: the page says so, and asks no more', async () => {
    const { page, instance } = await openProposal();
    const entry = review.service.entries.find((each) => each.instance === instance);
    if (entry !== undefined) entry.proposed = [];
    await asked(page).getByRole('button', { name: 'No, do not ask again' }).click();
    await said(page, 'Nobody proposes this any more.');
    await asked(page).waitFor({ state: 'detached' });
  });

  test('is shown to a viewer, who cannot answer', async () => {
    review.service.me = { who: 'vera', role: 'viewer', how: 'orthanc' };
    const { page } = await openProposal();
    await asked(page).getByText('Take it as a correction?').waitFor();
    expect(await asked(page).getByRole('button').count()).toBe(0);
  });
});
