import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ReceivedPictures } from '../../../src/classify/workers/received-pictures.js';

const folder = mkdtempSync(join(tmpdir(), 'plainview-received-'));
afterAll(() => rmSync(folder, { recursive: true }));

const pictures = [1000, 10, 2000, 2000].map((length, i) => Buffer.alloc(length, i + 1));
const file = join(folder, 'pipe');
writeFileSync(file, Buffer.concat(pictures));

test('each picture has its own bytes, also in the memory of one that was released', async () => {
  const fd = openSync(file, 'r');
  const received = new ReceivedPictures(fd);
  const kept: Buffer[] = [];
  for (const [i, picture] of pictures.entries()) {
    const got = await received.next(picture.length);
    expect(got).toEqual(picture);
    if (i === 2) kept.push(got);
    else received.release(got);
  }
  // The last one came after it, and does not lie in its memory.
  expect(kept).toEqual([pictures[2]]);
  closeSync(fd);
});

test('the next picture does not take new memory', async () => {
  const fd = openSync(file, 'r');
  const received = new ReceivedPictures(fd);
  const first = await received.next(1000);
  received.release(first);
  expect((await received.next(10)).buffer).toBe(first.buffer);
  closeSync(fd);
});
