import { existsSync } from 'node:fs';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';

const places = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const found = places.find((path) => path !== undefined && existsSync(path));

/** Whether there is a browser to test with; said once where there is none. */
export const hasBrowser = found !== undefined;
if (!hasBrowser) console.warn('No Chromium here (CHROMIUM names one): the tests of the pages are skipped.');

export const launch = (): Promise<Browser> =>
  chromium.launch({
    ...(found === undefined ? {} : { executablePath: found }),
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });

export interface Pages {
  open(url: string, options?: BrowserContextOptions): Promise<Page>;
  /** What the pages opened by this test complained about: uncaught errors and breaches of the policy. */
  readonly complaints: string[];
}

/** One Chromium for the test file that calls this; pages are closed after each test. */
export function useBrowser(): Pages {
  let browser: Browser | undefined;
  const contexts: BrowserContext[] = [];
  const complaints: string[] = [];
  beforeAll(async () => {
    if (hasBrowser) browser = await launch();
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
    complaints.length = 0;
  });
  afterAll(() => browser?.close());
  return {
    complaints,
    async open(url, options = {}) {
      if (browser === undefined) throw new Error('the browser runs only while tests do');
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
      contexts.push(context);
      const page = await context.newPage();
      page.setDefaultTimeout(15_000);
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('console', (message) => {
        if (/Content Security Policy|Refused to/.test(message.text())) complaints.push(message.text());
      });
      await page.goto(url);
      return page;
    },
  };
}
