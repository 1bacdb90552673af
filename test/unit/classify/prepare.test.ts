import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decode } from '../../../src/classify/prepare/decode.js';
import { goldenPictureFile } from '../../../testkit/classify/pictures.js';

const undecodable = expect.objectContaining({ code: 'picture_undecodable' });
const limit = 1;

describe('a picture that cannot be decoded is an error', () => {
  it.each([
    ['empty', Buffer.alloc(0), /empty/],
    ['text', Buffer.from('name,age\n'), /no PNG, JPEG, GIF or PAM/],
    ['a Windows bitmap', Buffer.from('BM and more'), /no PNG, JPEG, GIF or PAM/],
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
