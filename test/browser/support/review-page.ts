import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterEach, beforeEach, expect } from 'vitest';
import { type Pages, useBrowser } from './browser.js';
import { type FakeService, startFakeService } from './fake-service.js';

export interface ReviewPage {
  pages: Pages;
  /** A new one for each test. */
  readonly service: FakeService;
  /** @param fragment `#/dashboard`; without one, the worklist */
  open(fragment?: string, options?: BrowserContextOptions): Promise<Page>;
}

/** The review page before a fake service. Whatever a test does, nothing is thrown and the policy is kept. */
export function useReviewPage(): ReviewPage {
  const pages = useBrowser();
  let service: FakeService | undefined;
  beforeEach(async () => {
    service = await startFakeService();
  });
  afterEach(async () => {
    expect(pages.complaints).toEqual([]);
    await service?.stop();
  });
  const running = (): FakeService => {
    if (service === undefined) throw new Error('the service runs only while tests do');
    return service;
  };
  return {
    pages,
    get service() {
      return running();
    },
    open: (fragment = '', options = {}) => pages.open(`${running().url}/review/${fragment}`, options),
  };
}
