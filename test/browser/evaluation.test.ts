import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { defaultThresholds } from '../../src/classify/network.js';
import { reportPage } from '../../src/evaluate/html/page.js';
import { reportOf } from '../../src/evaluate/report.js';
import { evaluated } from '../../testkit/evaluate.js';
import { faults } from './support/axe.js';
import { hasBrowser, useBrowser } from './support/browser.js';

const classes = ['knee_ap', 'knee_lateral', 'hand_ap', 'oblique_view_of_Lauenstein', 'other'];

/** Two networks at sixty pictures, of two sites; both are wrong now and then, and not at the same ones. */
function results() {
  const first = Array.from({ length: 60 }, (_, i) => {
    const label = classes[i % classes.length] ?? '';
    const said = i % 7 === 0 ? (classes[(i + 1) % classes.length] ?? '') : label;
    return evaluated(label, said, 0.99 - (i % 11) / 20, { group: i % 2 === 0 ? 'a' : 'b' });
  });
  const second = first.map((one, i) => {
    const other = evaluated(
      one.picture.label,
      i % 9 === 0 ? 'knee_ap' : one.picture.label,
      0.7 + (i % 4) / 14,
    );
    return { ...other, picture: one.picture };
  });
  return [first, second] as const;
}

describe.skipIf(!hasBrowser)('the page of an evaluation', () => {
  const pages = useBrowser();
  let folder: string;
  let address: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'evaluation-page-'));
    const [first, second] = results();
    const network = (name: string) => ({
      network: {
        name,
        sha256: name.charCodeAt(0).toString(16).repeat(32),
        purpose: 'research' as const,
        classes,
        thresholds: defaultThresholds,
      },
      engine: { engine: 'wasm' as const, device: 'cpu', declined: [] },
    });
    const pictures = first.map(({ picture }) => picture);
    const report = reportOf({
      truth: {
        name: 'a/rather/long/path/that/leads/to/labels.csv',
        pictures,
        read: () => Promise.reject(new Error('not in this test')),
        warnings: [],
      },
      run: { results: [first, second], unread: [] },
      classifiers: [network('first'), network('second')],
      plainview: '1.2.3',
      when: new Date('2026-01-02T03:04:05Z'),
      by: 'site',
      worst: 6,
    });
    const grey = { create: { width: 120, height: 160, channels: 3 as const, background: '#555' } };
    const data = `data:image/jpeg;base64,${(await sharp(grey).jpeg().toBuffer()).toString('base64')}`;
    const file = join(folder, 'report.html');
    await writeFile(file, reportPage(report, new Map(pictures.map(({ id }) => [id, data]))));
    address = pathToFileURL(file).href;
  });
  afterAll(() => rm(folder, { recursive: true }));
  afterEach(() => expect(pages.complaints).toEqual([]));

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
  ] as const)('%s at %i pixels: axe finds nothing serious, and nothing sticks out', async (scheme, width) => {
    const page = await pages.open(address, { colorScheme: scheme, viewport: { width, height: 900 } });
    expect(await faults(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    const images =
      'Array.from(document.images, ({ complete, naturalWidth }) => complete && naturalWidth > 0)';
    const shown: boolean[] = await page.evaluate(images);
    expect(shown.length).toBeGreaterThan(0);
    expect(shown.every(Boolean)).toBe(true);
  });

  test('asks for nothing but itself', async () => {
    const page = await pages.open('about:blank');
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url().slice(0, 5)));
    await page.goto(address);
    await page.waitForLoadState('networkidle');
    expect(asked.filter((url) => url !== 'data:')).toEqual(['file:']);
  });
});
