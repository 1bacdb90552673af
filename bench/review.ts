// `npm run bench:review [-- --pictures 200 --rows 3000 --columns 2500]`: a reader who need not think confirms so many films in
// the grid of the review page, with the keyboard alone: on each page one is taken out, and Enter confirms the rest. On a real
// Orthanc, with the service and Chromium on this machine. It prints the time of each step, and the load of the machine.
// Needs Chromium (CHROMIUM).
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pMap from 'p-map';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { createToken } from '../src/access/tokens.js';
import { startOrthanc } from '../src/sandbox/orthanc.js';
import { launch } from '../test/browser/support/browser.js';
import { draw } from '../test/browser/support/pictures.js';
import { stubClassifier } from '../testkit/classifier.js';
import { radiograph, uid } from '../testkit/dicom.js';
import { storeInstance } from '../testkit/orthanc.js';
import { Reader, startTestService } from '../testkit/service.js';
import { waitFor } from '../testkit/wait-for.js';
import { maximum, median, sum } from './statistics.js';

const { pictures, rows, columns } = z
  .object({ pictures: z.coerce.number(), rows: z.coerce.number(), columns: z.coerce.number() })
  .parse(
    parseArgs({
      options: {
        pictures: { type: 'string', default: '200' },
        rows: { type: 'string', default: '3000' },
        columns: { type: 'string', default: '2500' },
      },
    }).values,
  );

const load = (): string =>
  `load ${loadavg()
    .map((each) => each.toFixed(1))
    .join(', ')} on ${availableParallelism()} cores`;
const seconds = (ms: number): string => (ms / 1000).toFixed(2);

const orthanc = await startOrthanc({});
const folder = await mkdtemp(join(tmpdir(), 'plainview-bench-review-'));
const token = createToken('reader', 'reviewer');
await writeFile(join(folder, 'tokens'), token.line);
const classifier = stubClassifier();
let asked = 0;
classifier.answer = async () => ({ category: 'knee_ap', score: 0.4 + ((asked++ * 37) % 40) / 100 });
const service = await startTestService({
  orthanc: orthanc.url,
  classifier,
  env: { PLAINVIEW_TOKENS_FILE: join(folder, 'tokens'), PLAINVIEW_API_RATE: '100000' },
});
const browser = await launch();

const cells = (page: Page) => page.getByRole('gridcell');
/** All pictures of the page have been on the screen. */
async function drawn(page: Page): Promise<void> {
  await cells(page).first().waitFor();
  const waiting = page.locator('[role=gridcell]:not([data-seen])');
  await waiting.first().waitFor({ state: 'detached' });
}

try {
  const reader = new Reader(orthanc.url);
  const films = await Promise.all([1, 2, 3, 4].map((seed) => draw('knee', seed)));
  await pMap(
    Array.from({ length: pictures }, (_, n) => n),
    async (n) => {
      const film = films[n % films.length];
      if (film === undefined) throw new Error('there is no film');
      const ids = {
        studyInstanceUid: uid(`study ${n}`),
        sopInstanceUid: uid(`film ${n}`),
        patientId: `${n}`,
      };
      const { orthancId } = await storeInstance(orthanc.url, radiograph(film, { rows, columns, ...ids }));
      await waitFor(async () => reader.record(orthancId), { timeout: 600_000, everyMs: 200 });
    },
    { concurrency: 2 },
  );
  const context = await browser.newContext({ viewport: { width: 1920, height: 1080 } });
  await context.addInitScript(`sessionStorage.setItem('plainview-token', ${JSON.stringify(token.token)})`);
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  const [confirming, showing]: [number[], number[]] = [[], []];
  const before = load();
  const began = performance.now();
  let last = began;
  const lap = (): number => {
    const now = performance.now();
    const ms = now - last;
    last = now;
    return ms;
  };
  await page.goto(`${service.url}/review/#/grid`);
  await drawn(page);
  const opening = lap();
  for (let left = pictures; left > 0; left -= 30) {
    if (left < pictures) {
      await drawn(page);
      showing.push(lap());
    }
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Space');
    const first = await cells(page).first().getAttribute('data-instance');
    await page.keyboard.press('Enter');
    await page.locator(`[role=gridcell][data-instance="${first}"]`).waitFor({ state: 'detached' });
    confirming.push(lap());
  }
  await page.getByText('Nothing here waits for a confirmation.').waitFor();
  const total = performance.now() - began;
  console.log(
    `${pictures} films of ${rows} × ${columns}: ${seconds(total)} s (${before} before, ${load()} after)`,
  );
  console.table({
    'to open the page until all of it is seen': {
      times: 1,
      'median, s': seconds(opening),
      'most, s': seconds(opening),
    },
    'to take one out and confirm the rest': of(confirming),
    'until all of the next page is seen': of(showing),
  });
} finally {
  await browser.close();
  await service.stop();
  await orthanc.discard();
  await rm(folder, { recursive: true });
}

function of(times: readonly number[]) {
  return {
    times: times.length,
    'median, s': seconds(median(times)),
    'most, s': seconds(maximum(times)),
    'all, s': seconds(sum(times)),
  };
}
