import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { image, instance, radiograph, uid } from '../../testkit/dicom.js';
import { useOrthanc } from '../../testkit/orthanc.js';

/** The other tests depend on the fixtures. So this checks them with a real Orthanc. */
const site = useOrthanc();

async function rendered(bytes: Uint8Array): Promise<{ status: number; png: Buffer }> {
  const { orthancId } = await site.storeInstance(bytes);
  const response = await fetch(`${site.orthanc.url}/instances/${orthancId}/rendered`);
  return { status: response.status, png: Buffer.from(await response.arrayBuffer()) };
}

async function corners(
  bytes: Uint8Array,
): Promise<{ width: number; height: number; first: number; last: number }> {
  const { data, info } = await sharp((await rendered(bytes)).png)
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, first: data[0] ?? -1, last: data[data.length - 1] ?? -1 };
}

describe('images that Orthanc renders', () => {
  test.each([8, 10, 12, 14, 16])('%i bits stored, dark at the top left', async (bitsStored) => {
    const window = { center: 2 ** (bitsStored - 1), width: 2 ** bitsStored };
    const picture = await corners(image({ rows: 50, columns: 70, bitsStored, window }));
    expect(picture).toMatchObject({ width: 70, height: 50 });
    expect(picture.first).toBeLessThan(3);
    expect(picture.last).toBeGreaterThan(252);
  });

  test('MONOCHROME1 is shown inverted', async () => {
    const window = { center: 2048, width: 4096 };
    const picture = await corners(image({ photometricInterpretation: 'MONOCHROME1', window }));
    expect(picture.first).toBeGreaterThan(252);
    expect(picture.last).toBeLessThan(3);
  });

  test('RGB, one pixel, and several frames', async () => {
    const rgb = await corners(image({ photometricInterpretation: 'RGB', bitsStored: 8 }));
    expect(rgb.last).toBeGreaterThan(252);
    expect(await corners(image({ rows: 1, columns: 1 }))).toMatchObject({ width: 1, height: 1 });
    const { orthancId } = await site.storeInstance(image({ frames: 3 }));
    const frames = await fetch(`${site.orthanc.url}/instances/${orthancId}/frames`);
    expect(await frames.json()).toEqual([0, 1, 2]);
  });

  test('10000 × 10000 pixels', async () => {
    const { orthancId } = await site.storeInstance(image({ rows: 10_000, columns: 10_000, bitsStored: 8 }));
    const response = await fetch(`${site.orthanc.url}/instances/${orthancId}/rendered?width=100&height=100`);
    expect(await sharp(await response.arrayBuffer()).metadata()).toMatchObject({ width: 100, height: 100 });
  });

  test('a picture is rendered with its stored pixels, at any size and depth', async () => {
    const grey = Uint8Array.from({ length: 40 * 30 }, (_, index) => (index * 7) % 256);
    const stored = radiograph({ width: 40, height: 30, grey }, { bitsStored: 14 });
    const back = await sharp((await rendered(stored)).png)
      .greyscale()
      .raw()
      .toBuffer();
    const furthest = Math.max(...grey.map((value, index) => Math.abs(value - (back[index] ?? 0))));
    expect(furthest).toBeLessThanOrEqual(1);
    const enlarged = radiograph({ width: 40, height: 30, grey }, { rows: 300, columns: 400 });
    expect(await corners(enlarged)).toMatchObject({ width: 400, height: 300 });
  });
});

test.each([
  ['a report', instance({ modality: 'SR' })],
  ['a radiograph without pixels', instance({ modality: 'DX' })],
  ['truncated pixels', image({ truncateBy: 1000 })],
  [
    'JPEG 2000 without the plugin',
    image({ compressed: { transferSyntax: 'jpeg2000Lossless', frames: [Uint8Array.of(0xff, 0x4f, 0xff)] } }),
  ],
])('Orthanc stores %s and refuses to render it', async (_, bytes) => {
  expect((await rendered(bytes)).status).toBe(415);
});

test('instances share a study and series if the caller wants it', async () => {
  const studyInstanceUid = uid('one study');
  const first = await site.storeInstance(image({ studyInstanceUid, modality: 'CR' }));
  const second = await site.storeInstance(image({ studyInstanceUid, modality: 'DX' }));
  expect(second.study).toBe(first.study);
  expect(second.series).not.toBe(first.series);
  const again = image({
    sopInstanceUid: uid('the same'),
    studyInstanceUid,
    seriesInstanceUid: uid('its series'),
  });
  expect((await site.storeInstance(again)).status).toBe('Success');
  expect((await site.storeInstance(again)).status).toBe('AlreadyStored');
});
