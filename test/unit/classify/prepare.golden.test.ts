import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { decode } from '../../../src/classify/prepare/decode.js';
import { jpegDecoders } from '../../../src/classify/prepare/jpeg.js';
import { readJpegHeader } from '../../../src/classify/prepare/jpeg-wasm.js';
import type { Picture } from '../../../src/classify/prepare/picture.js';
import { prepare } from '../../../src/classify/prepare/resize.js';
import { goldenPictureFile } from '../../../testkit/classify/pictures.js';

const folder = new URL('../../../testkit/golden/', import.meta.url);
const expectation = z.object({
  height: z.number(),
  width: z.number(),
  decoded: z.string(),
  prepared: z.string(),
});
const { pictures, tensorflow } = z
  .object({ tensorflow: z.string(), pictures: z.record(z.string(), expectation) })
  .parse(JSON.parse(readFileSync(new URL('pictures.json', folder), 'utf8')));

const sha256 = (array: Uint8Array | Float32Array) =>
  createHash('sha256')
    .update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
    .digest('hex');

/** As TensorFlow's `decode_png(channels=3)`: three bytes per pixel. */
function toRgb({ pixels, channels, width, height }: Picture): Uint8Array {
  const shift = pixels instanceof Uint16Array ? 8 : 0;
  return Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const index = channels === 3 ? i : Math.floor(i / 3);
    return (pixels[index] ?? 0) >> shift;
  });
}

/** TensorFlow's own code differs there between processors. */
const isElsewhere = (name: string) => name === 'grey-extremes.jpg' && process.arch !== 'x64';

describe(`a picture is prepared as in TensorFlow ${tensorflow}, bit for bit`, () => {
  it.each(Object.entries(pictures))('%s', async (name, expected) => {
    if (isElsewhere(name)) return;
    const picture = await decode(readFileSync(new URL(`pictures/${name}`, folder)), 1);
    const prepared = prepare(picture, { height: 224, width: 224, mean: 128, std: 128 });
    expect({
      height: picture.height,
      width: picture.width,
      decoded: sha256(toRgb(picture)),
      prepared: sha256(prepared),
    }).toEqual(expected);
  });
});

describe.each(['native', 'wasm'] as const)('the JPEG decoder: %s', (name) => {
  const jpegs = Object.entries(pictures).filter(([file]) => file.endsWith('.jpg'));
  // In C, as WebAssembly has it, sums do not leave 16 bits.
  const known = jpegs.filter(
    ([file]) => !isElsewhere(file) && !(name === 'wasm' && file.includes('extremes')),
  );

  it.each(known)('%s has the pixels of TensorFlow', async (file, expected) => {
    const jpeg = goldenPictureFile(file);
    const header = readJpegHeader(jpeg);
    const pixels = await (await jpegDecoders[name]())(jpeg, header);
    expect(sha256(toRgb({ ...header, pixels }))).toBe(expected.decoded);
  });

  it('refuses a file that is cut off or damaged', async () => {
    const jpeg = goldenPictureFile('grey.jpg');
    const header = readJpegHeader(jpeg);
    const damaged = Buffer.from(jpeg).fill(0xff, jpeg.length >> 1, (jpeg.length >> 1) + 40);
    const decodeIt = await jpegDecoders[name]();
    for (const file of [jpeg.subarray(0, jpeg.length >> 1), damaged])
      await expect((async () => decodeIt(file, header))()).rejects.toMatchObject({
        code: 'picture_undecodable',
      });
  });
});
