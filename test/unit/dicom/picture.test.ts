import { constants, deflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { renderDicom } from '../../../src/dicom/picture.js';
import { headBytes, kindOf } from '../../../src/dicom/read.js';
import { image, instance, sopClasses } from '../../../testkit/dicom.js';
import { compressed } from '../../../testkit/dicom-cases.js';
import { writePart10 } from '../../../testkit/part10.js';

const options = { frame: 'first', requireSize: () => undefined } as const;
const window = { center: 2048, width: 4096 };
const picture = { width: 40, height: 30, grey: Uint8Array.from({ length: 1200 }, (_, i) => (i * 7) % 256) };
const jpegLs = '1.2.840.10008.1.2.4.80';
const jpeg2000 = '1.2.840.10008.1.2.4.90';

afterEach(() => vi.doUnmock('dcmjs-codecs'));

test.each([
  ['first', 0],
  ['middle', 1],
] as const)('of three frames, the %s one', async (frame, brighter) => {
  const pixels = Uint16Array.from({ length: 3 * 64 }, (_, i) => 500 + 1000 * Math.floor(i / 64) + i);
  const file = image({ rows: 8, columns: 8, frames: 3, window, pixels });
  const { pixels: grey } = await renderDicom(file, { ...options, frame });
  expect(grey[0]).toBe(Math.floor(((500 + brighter * 1064) * 255) / 4096));
});

test('the size is known before a pixel is decoded', async () => {
  const file = image({ rows: 20, columns: 30 });
  const requireSize = (width: number, height: number) => {
    throw new Error(`${width} × ${height}`);
  };
  await expect(renderDicom(file, { ...options, requireSize })).rejects.toThrow('30 × 20');
});

describe('what cannot be rendered has its reason', () => {
  const compressedAs = (transferSyntax: string, bytes: Uint8Array) =>
    image({ compressed: { transferSyntax, frames: [bytes] } });
  test.each([
    ['a file that is cut off', image({}).subarray(0, 3000), /the DICOM file is damaged/],
    ['too few pixels', image({ truncateBy: 100 }), /8092 bytes in place of 8192/],
    ['no picture', instance({ modality: 'SR' }), /has no picture/],
    ['no Rows', image({ attributes: { '0028,0010': 'absent' } }), /has no Rows/],
    ['32 bits', image({ attributes: { '0028,0100': ['US', 32] } }), /Only an Orthanc.*32 bits/],
    [
      'a film',
      compressedAs('1.2.840.10008.1.2.4.100', Buffer.alloc(10)),
      /transfer syntax 1\.2.*not supported/,
    ],
    ['broken JPEG-LS', compressedAs(jpegLs, Buffer.alloc(50, 7)), /compressed pixels are damaged/],
    [
      'one value',
      image({ pixels: new Uint16Array(4096).fill(9) }),
      /All pixels of the picture have the same/,
    ],
  ])('%s', async (_, file, sentence) => {
    await expect(renderDicom(file, options)).rejects.toThrow(sentence);
  });

  test('a deflated file that would fill the memory', async () => {
    const part = deflateRawSync(Buffer.alloc(2 ** 20), { finishFlush: constants.Z_SYNC_FLUSH });
    const file = Buffer.concat([writePart10([], 'deflated').subarray(0, -2), ...Array(600).fill(part)]);
    await expect(renderDicom(file, options)).rejects.toThrow(/damaged \(Cannot create a Buffer larger/);
  });

  test('beside broken pictures, others are decoded', async () => {
    const broken = compressedAs(jpegLs, Buffer.alloc(50, 7));
    const file = await compressed(picture, 'encodeJpeg2000', jpeg2000);
    const files = [file, broken, file, broken, broken, file];
    const rendered = await Promise.allSettled(files.map((each) => renderDicom(each, options)));
    expect(rendered.map(({ status }) => status === 'fulfilled')).toEqual(files.map((each) => each === file));
  });

  test.each([
    ['encodeJpeg2000', jpeg2000],
    ['encodeHtJpeg2000', '1.2.840.10008.1.2.4.201'],
    ['encodeJpegLs', jpegLs],
  ] as const)('%s of another size than its header says', async (encoder, transferSyntax) => {
    for (const rows of [20, 3000]) {
      const attributes = { '0028,0010': ['US', rows] } as const;
      const file = await compressed(picture, encoder, transferSyntax, { attributes });
      await expect(renderDicom(file, options)).rejects.toMatchObject({ code: 'picture_undecodable' });
    }
  });

  test('compressed pixels, where the optional package is not installed', async () => {
    vi.resetModules();
    vi.doMock('dcmjs-codecs', () => {
      throw new Error("Cannot find package 'dcmjs-codecs'");
    });
    const { renderDicom: render } = await import('../../../src/dicom/picture.js');
    await expect(render(compressedAs(jpegLs, Buffer.alloc(9)), options)).rejects.toThrow(
      /^Only an Orthanc can render.*`npm install dcmjs-codecs`/,
    );
    expect((await render(image({}), options)).pixels).toHaveLength(4096);
  });
});

describe('what a file is, by its beginning', () => {
  test.each([
    ['a radiograph', image({ modality: 'CR', frames: 2 }), { modality: 'CR', hasPixels: true, frames: 2 }],
    ['a report', instance({ modality: 'SR' }), { sopClassUid: sopClasses.SR, hasPixels: false, frames: 1 }],
  ])('%s', (_, file, kind) => {
    expect(kindOf(file)).toMatchObject(kind);
  });

  test('a header that is longer than what is read may have pixels', () => {
    const long = { '0009,0010': ['OB', new Uint8Array(2 * headBytes)] } as const;
    const file = image({ modality: 'CR', attributes: long });
    expect(kindOf(file.subarray(0, headBytes))).toMatchObject({ modality: 'CR', hasPixels: true });
    expect(kindOf(Buffer.from('no DICOM at all'))).toBeUndefined();
  });
});
