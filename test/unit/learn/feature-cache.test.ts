import { mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FeatureCache } from '../../../src/classify/feature-cache.js';
import { createError } from '../../../src/errors/errors.js';
import { samplesOf } from '../../../src/learn/features.js';
import { image } from '../../../testkit/dicom.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'features-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Computes features, and counts how often. */
function setUp({ hash = 'f'.repeat(64), keyOf }: { hash?: string; keyOf?: () => Promise<string> } = {}) {
  const calls = { computed: 0, read: 0 };
  const classifier = {
    features: async (picture: Buffer) => {
      calls.computed++;
      if (picture.length === 0) throw createError('picture_undecodable', { problem: 'it is empty' });
      return {
        features: Float32Array.of(picture.length, 0.5),
        scores: new Float32Array(2),
        seconds: { decode: 0, prepare: 0, infer: 0 },
      };
    },
  };
  const cache = new FeatureCache(folder, hash, 2);
  const of = (...pictures: Buffer[]) =>
    samplesOf(
      {
        pictures: pictures.map((_, i) => ({ id: String(i), label: 'knee_ap' })),
        read: async ({ id }) => {
          calls.read++;
          return pictures[Number(id)] ?? Buffer.alloc(0);
        },
        ...(keyOf === undefined ? {} : { keyOf }),
      },
      'person',
      classifier,
      cache,
      2,
      () => undefined,
    );
  return { calls, of };
}

const files = async () => {
  const [trunk = ''] = await readdir(folder);
  return (await readdir(join(folder, trunk))).map((name) => join(folder, trunk, name));
};

test('computes the features of a picture once', async () => {
  const { calls, of } = setUp();
  const first = await of(Buffer.from('abc'));
  const again = await of(Buffer.from('abc'));
  expect(first.samples[0]?.features).toEqual(Float32Array.of(3, 0.5));
  expect(again).toEqual(first);
  expect(calls.computed).toBe(1);
});

test('a DICOM file is computed again, because its rendering depends on options', async () => {
  const { calls, of } = setUp();
  for (let i = 0; i < 2; i++) await of(image({}));
  expect(calls.computed).toBe(2);
});

test('takes many pictures with the same content', async () => {
  const same = Array.from({ length: 20 }, () => Buffer.from('abc'));
  const { samples, unread } = await setUp().of(...same);
  expect(unread).toEqual([]);
  expect(samples).toHaveLength(20);
  expect(await files()).toHaveLength(1);
});

test('ends where a picture fails for a reason that may pass', async () => {
  const { of } = setUp({
    keyOf: async () => {
      throw createError('orthanc_unreachable', { url: 'http://orthanc', why: 'ECONNREFUSED' });
    },
  });
  await expect(of(Buffer.from('abc'))).rejects.toMatchObject({ code: 'orthanc_unreachable' });
});

test('ends where features cannot be kept', async () => {
  const { of } = setUp();
  await of(Buffer.from('abc'));
  const [file = ''] = await files();
  await rm(dirname(file), { recursive: true });
  await expect(of(Buffer.from('abc'))).rejects.toMatchObject({ code: 'report_unwritable' });
  await mkdir(dirname(file));
});

test('does not read a picture whose key is known', async () => {
  const { calls, of } = setUp({ keyOf: async () => 'orthanc 1' });
  await of(Buffer.from('abc'));
  await of(Buffer.from('abc'));
  expect(calls).toEqual({ computed: 1, read: 1 });
});

test('computes them anew for another network', async () => {
  await setUp().of(Buffer.from('abc'));
  const { calls, of } = setUp({ hash: 'e'.repeat(64) });
  await of(Buffer.from('abc'));
  expect(calls.computed).toBe(1);
});

test.each([
  ['changed', async (file: string) => writeFile(file, Buffer.alloc(40, 1))],
  ['cut off', async (file: string) => truncate(file, 7)],
])('computes them anew where the file is %s', async (_, damage) => {
  const { calls, of } = setUp();
  const before = await of(Buffer.from('abc'));
  for (const file of await files()) await damage(file);
  expect(await of(Buffer.from('abc'))).toEqual(before);
  expect(calls.computed).toBe(2);
  await of(Buffer.from('abc'));
  expect(calls.computed).toBe(2);
});

test('keeps them for the owner alone', async () => {
  await setUp().of(Buffer.from('abc'));
  for (const file of await files()) expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('lists a picture that fails, and goes on', async () => {
  const { of } = setUp();
  const { samples, unread } = await of(Buffer.alloc(0), Buffer.from('abc'));
  expect(samples.map(({ picture }) => picture.id)).toEqual(['1']);
  expect(unread.map(({ picture }) => picture.id)).toEqual(['0']);
});
