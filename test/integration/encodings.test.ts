import { existsSync, readFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { classifierOptions } from '../../src/app/classifier-options.js';
import { type Classifier, createClassifier } from '../../src/classify/classifier.js';
import { decide } from '../../src/classify/decide.js';
import { loadConfig } from '../../src/config/load.js';
import { instanceId } from '../../src/orthanc/ids.js';
import { Orthanc } from '../../src/orthanc/orthanc.js';
import { labelledRadiographs } from '../../testkit/classify/pictures.js';
import type { GreyPicture } from '../../testkit/dicom.js';
import { encodings, plain } from '../../testkit/encodings.js';
import { useOrthanc } from '../../testkit/orthanc.js';

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

async function decisionOf(bytes: Buffer) {
  const id = instanceId.parse((await real.storeInstance(bytes)).orthancId);
  const { tags } = await client.hierarchy.describe(id);
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
