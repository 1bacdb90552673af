import { describe, expect, test } from 'vitest';
import { decode } from '../../../src/classify/prepare/decode.js';
import { prepare, tapsFor } from '../../../src/classify/prepare/resize.js';
import { pamOf } from '../../../src/files/pam.js';
import { spreadOf } from '../../../src/greyscale/grey.js';
import { PictureReceiver } from '../../../src/orthanc/receiver.js';
import { seeded } from '../../../testkit/random.js';

const size = { height: 224, width: 224 };
const preparation = { ...size, mean: 128, std: 128 };
const random = seeded(7);
const below = (limit: number) => Math.floor(random() * limit);

function pamFile(width: number, height: number, channels: 1 | 3 = 1) {
  const noise = Uint8Array.from({ length: 9973 }, () => below(256));
  const values = new Uint8Array(width * height * channels);
  // Its length is prime, so rows and columns differ.
  for (let at = 0; at < values.length; at += noise.length)
    values.set(noise.subarray(0, values.length - at), at);
  return { values, file: pamOf({ width, height, channels }, values) };
}

/** In parts of any length, from memory that is used again. */
function receive(file: Buffer, longest: number, taps = tapsFor(size), maxMegapixels = 150) {
  const receiver = new PictureReceiver(taps, maxMegapixels);
  const memory = Buffer.alloc(longest);
  for (let at = 0; at < file.length; ) {
    const length = file.copy(memory, 0, at, Math.min(file.length, at + 1 + below(longest)));
    receiver.write(memory.subarray(0, length));
    memory.fill(0xaa);
    at += length;
  }
  return receiver.picture;
}
const codeOf = (task: () => unknown) => {
  try {
    task();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return 'fine';
};

describe('a rendering of which only some pixels are kept', () => {
  test.each([
    [1500, 1300, 1, 65_536],
    [2500, 900, 1, 700],
    [1640, 481, 3, 5000],
    [1024, 300, 1, 77],
    [224, 3001, 1, 4096],
    [9001, 100, 1, 4096],
  ] as const)(
    'prepares as the whole one: %i × %i, %i channels, in parts of up to %i bytes',
    async (width, height, channels, longest) => {
      const { file, values } = pamFile(width, height, channels);
      const { file: kept, spread } = receive(file, longest);
      expect(kept.length).toBeLessThan(file.length);
      expect(spread).toEqual(spreadOf(values));
      const [whole, sampled] = [await decode(file, 150), await decode(kept, 150)];
      expect(sampled.sampledOf).toEqual({ width, height });
      const bytesOf = (picture: typeof whole) => Buffer.from(prepare(picture, preparation).buffer);
      expect(bytesOf(sampled).equals(bytesOf(whole))).toBe(true);
    },
  );

  test('is another error than a bad answer where it is prepared to another size', async () => {
    const { file } = pamFile(900, 800);
    const picture = await decode(receive(file, 5000).file, 150);
    expect(codeOf(() => prepare(picture, { ...preparation, height: 192, width: 192 }))).toBe(
      'picture_undecodable',
    );
  });
});

describe('a rendering that is kept whole', () => {
  test.each([
    ['a small one', pamFile(300, 200).file],
    [
      'one with 16 bits',
      Buffer.from(
        `P7\nWIDTH 900\nHEIGHT 800\nDEPTH 1\nMAXVAL 65535\nTUPLTYPE GRAYSCALE\nENDHDR\n${'ab'.repeat(720_000)}`,
      ),
    ],
    ['a PNG', Buffer.from('\x89PNG\r\n\x1a\nabc', 'latin1')],
    ['an empty one', Buffer.alloc(0)],
    ['one of two bytes', Buffer.from('P7')],
  ])('%s', (_, file) => {
    expect(receive(file, 100).file.equals(file)).toBe(true);
  });

  test('all of it, where all is asked for', () => {
    const { file } = pamFile(2500, 300);
    const receiver = new PictureReceiver(undefined, 150);
    receiver.write(file);
    expect(receiver.picture.file.equals(file)).toBe(true);
  });
});

test.each([
  ['is cut off', pamFile(2500, 300).file.subarray(0, 700_000), 'picture_undecodable'],
  ['is small and cut off', pamFile(100, 100).file.subarray(0, 700), 'picture_undecodable'],
  [
    'has a broken header',
    Buffer.from(`P7\nWIDTH 0\nHEIGHT 2\nDEPTH 1\nMAXVAL 255\nENDHDR\nab`),
    'picture_undecodable',
  ],
  [
    'says that it is huge',
    Buffer.from('P7\nWIDTH 900000\nHEIGHT 900000\nDEPTH 1\nMAXVAL 255\nENDHDR\nab'),
    'picture_too_large',
  ],
])('a rendering that %s', (_, file, code) => {
  expect(codeOf(() => receive(Buffer.from(file), 1000))).toBe(code);
});
