import { pino } from 'pino';
import sharp from 'sharp';
import { shipped } from '../src/files/places.js';
import { startPair } from '../src/sandbox/pair.js';
import { launch } from '../test/browser/support/browser.js';
import { startFakeService } from '../test/browser/support/fake-service.js';
import { sample } from '../test/browser/support/pictures.js';
import { radiograph, uid } from '../testkit/dicom.js';
import { storeInstance } from '../testkit/orthanc.js';
import { Reader } from '../testkit/service.js';

const browser = await launch();
const print = (line: string) => console.error(line);

/** @param size of the window; the picture is 0.8 times as wide */
async function picture(
  url: string,
  name: string,
  size: { width: number; height: number },
  ready: string,
  { keys = [], colorScheme = 'dark' }: { keys?: string[]; colorScheme?: 'dark' | 'light' } = {},
) {
  const page = await browser.newPage({ viewport: size, colorScheme });
  await page.goto(url);
  await page.locator(ready).first().waitFor();
  for (const key of keys) await page.keyboard.press(key);
  if (keys.includes('a')) await page.locator('canvas.map[data-drawn]').waitFor();
  await page.waitForLoadState('load');
  const png = await page.screenshot();
  const file = shipped('docs', name);
  const { size: bytes } = await sharp(png)
    .resize({ width: Math.round(0.8 * size.width) })
    .webp({ quality: 60, effort: 6 })
    .toFile(file);
  print(`${file}: ${Math.round(bytes / 1000)} kB`);
  await page.close();
}

const wide = (height: number) => ({ width: 1360, height });

const pair = await startPair({ log: pino({ level: 'silent' }), onProgress: print });
try {
  const chest = radiograph(await sample('chest_composite.png'), {
    modality: 'DX',
    studyInstanceUid: uid('demonstration'),
    attributes: {
      '0008,1010': ['SH', 'ROOM2'],
      '0008,1030': ['LO', 'Thorax in 1 Ebene'],
      '0008,103e': ['LO', 'Thorax p.a.'],
      '0018,0015': ['CS', 'CHEST'],
    },
  });
  const pattern = radiograph(await sample('test_pattern.png'), {
    modality: 'DX',
    studyInstanceUid: uid('demonstration'),
    attributes: { '0008,1030': ['LO', 'Thorax in 1 Ebene'], '0008,103e': ['LO', 'test pattern'] },
  });
  const { orthancId } = await storeInstance(pair.orthanc.url, chest);
  const unknown = await storeInstance(pair.orthanc.url, pattern);
  for (const id of [orthancId, unknown.orthancId]) await new Reader(pair.orthanc.url).decided(id);
  const review = `${pair.orthanc.url}/plainview/review/`;
  const explorer = `${pair.orthanc.url}/app/explorer.html#instance?uuid=${unknown.orthancId}`;
  await picture(
    explorer,
    'explorer.webp',
    { width: 1100, height: 1260 },
    '#plainview-instance >> text=Reclassify',
  );
  await picture(`${review}#/instance/${orthancId}`, 'review.webp', wide(800), 'img.radiograph', {
    keys: ['a'],
  });
} finally {
  await pair.stop();
}

/** The page on a telephone, beside each other: the list in English, the same and a picture in German, dark. */
async function telephone(service: string, instance: string) {
  const size = { width: 390, height: 780 };
  const shots: Buffer[] = [];
  for (const [locale, colorScheme, fragment, ready] of [
    ['en-US', 'light', '#/', '.tile img'],
    ['de-DE', 'light', '#/', '.tile img'],
    ['de-DE', 'dark', `#/instance/${instance}`, '.radiograph[data-loaded]'],
    ['de-DE', 'dark', '#/dashboard', '.interval'],
  ] as const) {
    const context = await browser.newContext({
      viewport: size,
      locale,
      colorScheme,
      hasTouch: true,
      isMobile: true,
    });
    const page = await context.newPage();
    await page.goto(`${service}/review/${fragment}`);
    await page.locator(ready).first().waitFor();
    shots.push(await page.screenshot());
    await context.close();
  }
  const gap = 16;
  const file = shipped('docs', 'telephone.webp');
  const { data } = await sharp({
    create: {
      width: shots.length * (size.width + gap) - gap,
      height: size.height,
      channels: 4,
      background: '#0000',
    },
  })
    .composite(shots.map((input, n) => ({ input, left: n * (size.width + gap), top: 0 })))
    .png()
    .toBuffer({ resolveWithObject: true });
  const { size: bytes } = await sharp(data)
    .resize({ width: 1080 })
    .webp({ quality: 60, effort: 6 })
    .toFile(file);
  print(`${file}: ${Math.round(bytes / 1000)} kB`);
}

const fake = await startFakeService();
await telephone(fake.url, fake.entries[4]?.instance ?? '');
await picture(`${fake.url}/review/#/dashboard`, 'dashboard.webp', wide(1000), '.interval');
await picture(`${fake.url}/review/#/report`, 'report.webp', wide(1000), '.interval');
await picture(`${fake.url}/review/#/grid`, 'grid.webp', wide(560), '[role=gridcell][data-seen]', {
  keys: ['ArrowRight', ' '],
  colorScheme: 'light',
});
await fake.stop();
await browser.close();
