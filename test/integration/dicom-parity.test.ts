import { readFile, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Classifier, createClassifier } from '../../src/classify/classifier.js';
import { loadConfig } from '../../src/config/load.js';
import { renderDicom } from '../../src/dicom/picture.js';
import { readPam } from '../../src/files/pam.js';
import { shipped } from '../../src/files/places.js';
import { orthancRendering } from '../../src/greyscale/orthanc-rendering.js';
import { classifierOptions } from '../../src/networks/classifier-options.js';
import { type InstanceId, instanceId } from '../../src/orthanc/ids.js';
import { Orthanc } from '../../src/orthanc/orthanc.js';
import { type GreyPicture, image } from '../../testkit/dicom.js';
import { type DicomCase, dicomCases } from '../../testkit/dicom-cases.js';
import { useOrthanc } from '../../testkit/orthanc.js';
import { seeded } from '../../testkit/random.js';
import { isOlder } from '../../testkit/variants.js';

/** What Orthanc's decoders refuse, and `renderDicom` shows. */
const onlyHere = ['HTJ2K lossless', '8 bits, signed', 'YBR_FULL'];
const isOnlyHere = ({ name }: DicomCase) => onlyHere.includes(name);

const real = useOrthanc({ plugins: ['gdcm'], configuration: { OverwriteInstances: true } });
let client: Orthanc;
let classifier: Classifier;
let picture: GreyPicture;
beforeAll(async () => {
  const config = loadConfig({ PLAINVIEW_ORTHANC_URL: real.orthanc.url, PLAINVIEW_WORKERS: '1' });
  client = new Orthanc(config);
  classifier = await createClassifier(classifierOptions(config));
  const { data, info } = await sharp(shipped('samples', 'chest_part.png'))
    .resize(150, 130, { fit: 'fill' })
    .toColourspace('b-w')
    .raw()
    .toBuffer({ resolveWithObject: true });
  picture = { width: info.width, height: info.height, grey: data };
});
afterAll(async () => {
  client.close();
  await classifier.close();
});

/** By the grey level, of pictures of the same size. */
function difference(a: Uint8Array, b: Uint8Array): { max: number; mean: number } {
  expect(a.length).toBe(b.length);
  const all = Array.from(a, (value, i) => Math.abs(value - (b[i] ?? 0)));
  return { max: Math.max(...all), mean: all.reduce((sum, each) => sum + each, 0) / all.length };
}
const none = { max: 0, mean: 0 };

async function store({ file, transcodedTo }: DicomCase): Promise<{ bytes: Buffer; id: InstanceId }> {
  const given = await file(picture);
  const id = await idOf(given);
  if (transcodedTo === undefined) return { bytes: given, id };
  const response = await fetch(`${real.orthanc.url}/instances/${id}/modify`, {
    method: 'POST',
    body: JSON.stringify({ Transcode: transcodedTo, Keep: ['SOPInstanceUID'], Force: true }),
  });
  expect(response.status).toBe(200);
  const bytes = Buffer.from(await response.arrayBuffer());
  // What lost something has another SOP Instance UID.
  return { bytes, id: await idOf(bytes) };
}

const idOf = async (bytes: Buffer) => instanceId.parse((await real.storeInstance(bytes)).orthancId);

const ofFile = (bytes: Buffer, frame: 'first' | 'middle' = 'first') =>
  renderDicom(bytes, { frame, requireSize: () => undefined });

async function ofService<T>(id: InstanceId, use: (pam: Buffer) => Promise<T>, frame = 0): Promise<T> {
  const { tags } = await client.hierarchy.describe(id);
  return client.renderings.whole(id, frame, use, tags);
}

/** @returns undefined where Orthanc refuses */
async function rendering(id: InstanceId): Promise<Uint8Array | undefined> {
  const headers = { accept: 'image/x-portable-arbitrarymap' };
  const response = await fetch(`${real.orthanc.url}/instances/${id}/rendered`, { headers });
  return response.ok ? readPam(Buffer.from(await response.arrayBuffer())).data : undefined;
}

const rows: string[] = [];
const cell = (measured: { max: number; mean: number } | undefined) =>
  measured === undefined ? 'refused' : `${measured.max}, ${measured.mean.toFixed(1)}`;

describe('the picture of a DICOM file is the one that the service gives the network', () => {
  test.each(dicomCases.filter((each) => !isOnlyHere(each)))('$name', async (each) => {
    const { bytes, id } = await store(each);
    const local = await ofFile(bytes);
    const service = await ofService(id, async (pam) => readPam(pam));
    const { width, height, channels } = service;
    expect(local).toMatchObject({ width, height, channels });
    const parted = difference(local.pixels, service.data);
    const orthanc = await rendering(id);
    rows.push(`| ${each.name} | ${cell(orthanc && difference(local.pixels, orthanc))} | ${cell(parted)} |`);
    expect(parted).toEqual(none);
  });

  test('also of the frame in the middle', async () => {
    for (const each of dicomCases.filter(({ name }) => name.startsWith('three frames'))) {
      const { bytes, id } = await store(each);
      const service = await ofService(id, async (pam) => readPam(pam), 1);
      expect(difference((await ofFile(bytes, 'middle')).pixels, service.data)).toEqual(none);
    }
  });

  test('through any window, of every value', async () => {
    const random = seeded(22);
    const pixels = Uint16Array.from({ length: 65_536 }, (_, value) => value);
    for (let i = 0; i < 20; i++) {
      const attributes = {
        '0028,1050': ['DS', (random() * 80_000 - 10_000).toPrecision(7)],
        '0028,1051': ['DS', (1 + random() ** 3 * 70_000).toPrecision(7)],
        '0028,1052': ['DS', (random() * 2000 - 1000).toPrecision(5)],
        '0028,1053': ['DS', (0.01 + random() * 3).toPrecision(5)],
        '0028,0103': ['US', i % 2],
      } as const;
      const file = image({ rows: 256, columns: 256, bitsStored: 16, pixels, attributes });
      const orthanc = await rendering(await idOf(file));
      const { greyscale } = (await client.hierarchy.describe(await idOf(file))).tags;
      const ours = greyscale && orthancRendering(pixels, greyscale);
      expect([attributes, ours && difference(ours, orthanc ?? new Uint8Array())]).toEqual([attributes, none]);
    }
  });

  test('so category and score are the same', async () => {
    const some = ['Deflated', 'JPEG 2000', 'VOI LUT', 'MONOCHROME1', 'RGB, JPEG baseline'];
    for (const each of dicomCases.filter(({ name }) => some.includes(name))) {
      const { bytes, id } = await store(each);
      const { scores } = await ofService(id, (pam) => classifier.classify(pam));
      expect([...(await classifier.classify(bytes)).scores]).toEqual([...scores]);
    }
  });
});

test.each(dicomCases.filter(isOnlyHere))('Orthanc refuses $name; the file has a picture', async (each) => {
  const { bytes, id } = await store(each);
  await expect(ofService(id, async () => undefined)).rejects.toMatchObject({
    code: 'instance_not_renderable',
  });
  const { pixels, channels } = await ofFile(bytes);
  const grey = pixels.filter((_, i) => i % channels === 0);
  if (each.name !== 'YBR_FULL') expect(difference(grey, picture.grey).mean).toBeLessThanOrEqual(1);
});

/** Another Orthanc can have other decoders. `UPDATE_TABLE=1` writes the table. */
test.skipIf(isOlder)('the table in docs/dicom-files.md is what was measured', async () => {
  const document = shipped('docs', 'dicom-files.md');
  const text = await readFile(document, 'utf8');
  const head = '| file | from `/rendered` | from the service |\n| --- | --- | --- |\n';
  const table = `${head}${rows.join('\n')}\n`;
  const updated = text.replace(/\| file \| from `\/rendered`[\s\S]*?\n(?=\n)/, () => table);
  if (process.env.UPDATE_TABLE === '1') await writeFile(document, updated);
  else expect(text).toContain(table);
});
