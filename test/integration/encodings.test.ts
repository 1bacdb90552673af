import { existsSync, readFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Classifier, createClassifier } from '../../src/classify/classifier.js';
import { decide } from '../../src/classify/decide.js';
import { loadConfig } from '../../src/config/load.js';
import { readPam } from '../../src/files/pam.js';
import { classifierOptions } from '../../src/networks/classifier-options.js';
import { instanceId } from '../../src/orthanc/ids.js';
import { Orthanc } from '../../src/orthanc/orthanc.js';
import { labelledRadiographs } from '../../testkit/classify/pictures.js';
import { type GreyPicture, image } from '../../testkit/dicom.js';
import { encodings, plain } from '../../testkit/encodings.js';
import { useOrthanc } from '../../testkit/orthanc.js';
import { seeded } from '../../testkit/random.js';

const real = useOrthanc();
const files = labelledRadiographs(29).filter(({ path }) => existsSync(path));
let classifier: Classifier;
let client: Orthanc;
beforeAll(async () => {
  const config = loadConfig({ PLAINVIEW_ORTHANC_URL: real.orthanc.url, PLAINVIEW_WORKERS: '1' });
  classifier = await createClassifier(classifierOptions(config));
  client = new Orthanc(config);
});
afterAll(async () => {
  client.close();
  await classifier.close();
});

async function described(bytes: Buffer) {
  const id = instanceId.parse((await real.storeInstance(bytes)).orthancId);
  return { id, tags: (await client.hierarchy.describe(id)).tags };
}

async function pixelsOf(bytes: Buffer): Promise<Uint8Array> {
  const { id, tags } = await described(bytes);
  return client.renderings.whole(id, 0, async (picture) => readPam(picture).data, tags);
}

async function jpegPixelsOf(bytes: Buffer): Promise<Uint8Array> {
  const { id } = await described(bytes);
  const jpeg = await client.renderings.jpeg(id, 0, { size: 96, quality: 95 }, new AbortController().signal);
  return sharp(jpeg).toColourspace('b-w').raw().toBuffer();
}

const meanDifference = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0) / a.length;

async function decisionOf(bytes: Buffer) {
  const { id, tags } = await described(bytes);
  const { scores } = await client.renderings.whole(id, 0, (picture) => classifier.classify(picture), tags);
  const { decision, category = decision } = decide(scores, classifier.network);
  return category;
}

async function greyOf(path: string): Promise<GreyPicture> {
  const { data, info } = await sharp(readFileSync(path))
    .toColourspace('b-w')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, grey: data };
}

/** Ramps and noise over all grey values. */
function synthetic(): GreyPicture {
  const random = seeded(7);
  const [width, height] = [96, 80];
  const grey = Uint8Array.from({ length: width * height }, (_, i) => {
    const ramp = ((i % width) / width + Math.floor(i / width) / height) / 2;
    return Math.min(Math.max(Math.round(ramp * 300 - 22 + (random() - 0.5) * 60), 0), 255);
  });
  return { width, height, grey };
}

describe('the picture is what a viewer shows, to the network and on the review page', () => {
  test.each(encodings)('$name', async ({ encode, plain: same = plain }) => {
    const [expected, shown, page] = await Promise.all([
      pixelsOf(same(synthetic())),
      pixelsOf(encode(synthetic())),
      jpegPixelsOf(encode(synthetic())),
    ]);
    expect(meanDifference(shown, expected)).toBeLessThan(4);
    expect(meanDifference(page, expected)).toBeLessThan(8);
  });

  test.each(['MONOCHROME1', 'MONOCHROME2'] as const)(
    'a %s of one value fails with its reason',
    async (of) => {
      const pixels = new Uint16Array(4096).fill(700);
      const bytes = image({ photometricInterpretation: of, pixels, window: { center: 700, width: 200 } });
      await expect(pixelsOf(bytes)).rejects.toMatchObject({ code: 'picture_uniform' });
      await expect(jpegPixelsOf(bytes)).rejects.toMatchObject({ code: 'picture_uniform' });
    },
  );
});

describe.skipIf(files.length === 0)('a radiograph is decided as in its usual form', () => {
  const plainly = new Map<string, string>();
  test.each(encodings)('$name', { timeout: 120_000 }, async ({ name, encode, plain: same = plain }) => {
    const others: string[] = [];
    for (const { path } of files) {
      const picture = await greyOf(path);
      const key = `${same === plain} ${path}`;
      const expected = plainly.get(key) ?? (await decisionOf(same(picture)));
      plainly.set(key, expected);
      const decision = await decisionOf(encode(picture)).catch((error: Error) => error.message);
      if (decision !== expected) others.push(`${expected} → ${decision}`);
    }
    console.info(`${name}: ${files.length - others.length} of ${files.length}${others.map((o) => `; ${o}`)}`);
    expect(others.length).toBeLessThanOrEqual(files.length / 29);
  });
});
