import { createHash } from 'node:crypto';
import { encode as encodeBmp } from 'bmp-ts';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decode, formatOf } from '../../../src/classify/prepare/decode.js';
import { goldenPictureFile } from '../../../testkit/classify/pictures.js';

const undecodable = expect.objectContaining({ code: 'picture_undecodable' });
const limit = 1;
const dicomMagic = Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')]);

describe('a picture that cannot be decoded is an error', () => {
  it.each([
    ['empty', Buffer.alloc(0), /empty/],
    ['text', Buffer.from('name,age\n'), /no PNG, JPEG, GIF, PAM, TIFF, WebP, BMP or DICOM/],
    ['a BMP of nothing but its magic', Buffer.from('BM and more'), /BMP file is damaged/],
    ['a TIFF of nothing but its magic', Buffer.from('II*\0'), /./],
    ['a DICOM file of nothing but its magic', dicomMagic, /DICOM file is damaged/],
    ['a PNG of nothing but its magic', goldenPictureFile('grey.png').subarray(0, 8), /./],
    ['a JPEG of nothing but its magic', goldenPictureFile('grey.jpg').subarray(0, 3), /JPEG/],
    ['a PAM of nothing but its magic', Buffer.from('P7\n'), /PAM header/],
    [
      'a PAM of four channels',
      Buffer.from('P7\nWIDTH 1\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nENDHDR\n....'),
      /PAM header/,
    ],
    ['a PAM without height', Buffer.from('P7\nWIDTH 1\nDEPTH 1\nMAXVAL 255\nENDHDR\n.'), /PAM header/],
  ])('%s', async (_, file, message) => {
    await expect(decode(file, limit)).rejects.toThrow(undecodable);
    await expect(decode(file, limit)).rejects.toThrow(message);
  });

  it.each([
    'grey.png',
    'rgb-interlaced.png',
    'grey.jpg',
    'rgb-progressive.jpg',
    'rgb.pam',
    'grey-16.pam',
    'palette.gif',
  ])('%s, cut off anywhere', async (name) => {
    const file = goldenPictureFile(name);
    for (const share of [0.2, 0.5, 0.8, 0.97]) {
      const part = Buffer.from(file.subarray(0, Math.floor(file.length * share)));
      await expect(decode(part, limit), `${share}`).rejects.toThrow(undecodable);
    }
  });

  it('a PNG with a flipped bit, by its checksum', async () => {
    const file = Buffer.from(goldenPictureFile('grey.png'));
    const middle = file.length >> 1;
    file.writeUInt8(file.readUInt8(middle) ^ 4, middle);
    await expect(decode(file, limit)).rejects.toThrow(undecodable);
  });

  it('a JPEG without its end, as in TensorFlow', async () => {
    const file = goldenPictureFile('grey.jpg');
    await expect(decode(file.subarray(0, file.length - 2), limit)).rejects.toThrow(undecodable);
  });

  it('a CMYK JPEG, with the remedy', async () => {
    const pixels = { create: { width: 8, height: 8, channels: 3 as const, background: 'red' } };
    const file = await sharp(pixels).toColourspace('cmyk').jpeg().toBuffer();
    await expect(decode(file, limit)).rejects.toThrow(/CMYK.*grey or RGB/);
  });
});

describe('a picture that is larger than allowed is refused before it is decoded', () => {
  const tooLarge = expect.objectContaining({
    code: 'picture_too_large',
    message: expect.stringMatching(/2000 × 600/),
  });
  const pixels = { create: { width: 600, height: 2000, channels: 3 as const, background: 'grey' } };

  it.each(['png', 'jpeg', 'gif'] as const)('%s', async (format) => {
    const file = await sharp(pixels).toFormat(format).toBuffer();
    await expect(decode(file, 1)).rejects.toThrow(tooLarge);
    await expect(decode(file, 2)).resolves.toMatchObject({ width: 600, height: 2000 });
  });

  it('pam', async () => {
    const file = Buffer.from('P7\nWIDTH 600\nHEIGHT 2000\nDEPTH 1\nMAXVAL 255\nENDHDR\n');
    await expect(decode(file, 1)).rejects.toThrow(tooLarge);
  });
});

describe('the JPEG decoder', () => {
  const sha256 = (pixels: Uint8Array | Uint16Array) =>
    createHash('sha256')
      .update(pixels as Uint8Array)
      .digest('hex');

  it('works after a broken file', async () => {
    const good = goldenPictureFile('rgb-420.jpg');
    const before = await decode(good, limit);
    for (let i = 10; i < good.length; i += 97) {
      const broken = Buffer.from(good);
      broken.fill(0xff, i, Math.min(i + 20, good.length));
      await decode(broken, limit).catch(() => undefined);
    }
    expect(sha256((await decode(good, limit)).pixels)).toBe(sha256(before.pixels));
  });

  it('decodes a picture larger than the memory it keeps', async () => {
    const noise = { create: { width: 6000, height: 5000, channels: 3 as const, background: '#204060' } };
    const file = await sharp(noise).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer();
    for (let i = 0; i < 2; i++) {
      const { pixels, width, height } = await decode(file, 100);
      expect({ width, height, length: pixels.length }).toEqual({
        width: 6000,
        height: 5000,
        length: 90_000_000,
      });
      expect([...pixels.subarray(-3)].map((level) => Math.round(level / 16))).toEqual([2, 4, 6]);
    }
  });
});

it('the first frame of an animated GIF is used', async () => {
  const frames = await Promise.all(
    ['#ff0000', '#0000ff'].map((background) =>
      sharp({ create: { width: 9, height: 7, channels: 3, background } })
        .png()
        .toBuffer(),
    ),
  );
  const file = await sharp(frames, { join: { animated: true } })
    .gif()
    .toBuffer();
  const picture = await decode(file, limit);
  expect(picture).toMatchObject({ width: 9, height: 7, channels: 3 });
  expect([...picture.pixels.subarray(0, 3)]).toEqual([255, 0, 0]);
});

describe('formats that label_image.py does not read', () => {
  const [width, height] = [23, 17];
  const grey = Uint8Array.from({ length: width * height }, (_, i) => (i * 37) % 256);
  const rgb = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 91) % 256);
  const greyPicture = () => sharp(grey, { raw: { width, height, channels: 1 } }).toColourspace('b-w');
  const colourPicture = () => sharp(rgb, { raw: { width, height, channels: 3 } });

  it.each([
    ['grey TIFF', () => greyPicture().tiff({ compression: 'lzw' }), 1, grey],
    ['TIFF in colour', () => colourPicture().tiff({ compression: 'deflate' }), 3, rgb],
    [
      'TIFF of which 0 is white',
      () => greyPicture().tiff({ compression: 'none', miniswhite: true }),
      1,
      grey,
    ],
    ['WebP without loss', () => colourPicture().webp({ lossless: true }), 3, rgb],
  ] as const)('%s has the pixels that were written', async (_, encode, channels, pixels) => {
    const file = await encode().toBuffer();
    expect(formatOf(file)).toMatchObject({ isOriginal: false });
    expect(await decode(file, limit)).toMatchObject({ width, height, channels });
    expect(Buffer.from((await decode(file, limit)).pixels.buffer).equals(pixels)).toBe(true);
    await expect(decode(file, 0.0001)).rejects.toThrow(/17 × 23/);
    await expect(decode(file.subarray(0, file.length >> 1), limit)).rejects.toThrow(undecodable);
  });

  it('a TIFF of 16 bits keeps them', async () => {
    const wide = Uint16Array.from({ length: width * height }, (_, i) => (i * 4099) % 65_536);
    const file = await sharp(wide, { raw: { width, height, channels: 1 } })
      .toColourspace('grey16')
      .tiff({ compression: 'none' })
      .toBuffer();
    expect([...(await decode(file, limit)).pixels]).toEqual([...wide]);
  });

  it('a TIFF of numbers with fractions is refused', async () => {
    const fields = [
      ...[
        [256, 2],
        [257, 2],
        [258, 32],
        [259, 1],
        [262, 1],
      ],
      ...[
        [273, 8 + 2 + 10 * 12 + 4],
        [277, 1],
        [278, 2],
        [279, 16],
        [339, 3],
      ],
    ];
    const file = Buffer.alloc(8 + 2 + 10 * 12 + 4 + 16);
    file.write('II*\0', 'latin1');
    file.writeUInt32LE(8, 4);
    file.writeUInt16LE(fields.length, 8);
    for (const [i, [tag = 0, value = 0]] of fields.entries()) {
      file.writeUInt16LE(tag, 10 + 12 * i);
      file.writeUInt16LE(3, 12 + 12 * i);
      file.writeUInt32LE(1, 14 + 12 * i);
      file.writeUInt32LE(value, 18 + 12 * i);
    }
    await expect(decode(file, limit)).rejects.toThrow(/samples are of type float; save it with 8 or 16 bits/);
  });

  it.each([
    ['grey', [0, 9, 200, 255], 1],
    ['in colour', [10, 20, 30], 3],
  ] as const)('BMP %s, also with its first row at the top', async (_, levels, channels) => {
    const data = Buffer.from(
      Array.from({ length: 4 * 3 }, (_, p) => {
        const [r, g, b] = channels === 1 ? Array(3).fill(levels[p % 4]) : levels;
        return [255, b, g, r];
      }).flat(),
    );
    const file = encodeBmp({ width: 4, height: 3, data, bitPP: 24 }).data;
    const expected = Array.from({ length: 4 * 3 }, (_, p) =>
      channels === 1 ? levels[p % 4] : levels,
    ).flat();
    expect(await decode(file, limit)).toMatchObject({ width: 4, height: 3, channels });
    expect([...(await decode(file, limit)).pixels]).toEqual(expected);
    await expect(decode(file, 0.000001)).rejects.toThrow(/3 × 4/);
    await expect(decode(file.subarray(0, 60), limit)).rejects.toThrow(undecodable);
  });
});
