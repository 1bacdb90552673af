import { inspect } from 'node:util';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { isDamaged, readOrSetAside, type Store } from '../../../src/store/store.js';

/** A place for documents, which outlasts the stores that are opened on it. */
export interface Place {
  /** A store of a process that starts now. */
  open(): Promise<Store>;
  /** Writes what no store would. @param content text in place of JSON */
  damage(key: string, content: string): Promise<void>;
}

/** What every store promises. */
export function storeConformance(place: () => Place): void {
  const number = z.number();
  const open = () => place().open();

  describe('a document', () => {
    test('is read by the next process as it was written last', async () => {
      const store = await open();
      await store.write('a/b/written', 6);
      await store.write('a/b/written', 7);
      expect(await (await open()).read('a/b/written', number)).toBe(7);
      expect(await store.has('a/b/written')).toBe(true);
    });

    test('that was never written, or is removed, is none', async () => {
      const store = await open();
      await store.write('removed', 7);
      await store.remove('removed');
      await store.remove('never');
      for (const key of ['removed', 'never', 'no/folder/either']) {
        expect(await (await open()).read(key, number)).toBeUndefined();
        expect(await store.has(key)).toBe(false);
      }
    });

    test('keeps every character, and every kind of JSON', async () => {
      const content = { text: 'Grüße \u{1f9b4} "\\', list: [null, 1.5, true, { a: [] }] };
      const store = await open();
      await store.write('content', content);
      expect(await store.read('content', z.unknown())).toEqual(content);
    });

    test('that is written many times at once has the content that was given last', async () => {
      const store = await open();
      await Promise.all(Array.from({ length: 50 }, (_, index) => store.write('often', index)));
      expect(await store.read('often', number)).toBe(49);
    });

    test('of one key does not touch those of similar keys', async () => {
      const store = await open();
      const keys = ['like', 'like/like', 'like_', 'lik_', 'LIKE', 'like/lik'];
      for (const [index, key] of keys.entries()) await store.write(key, index);
      for (const [index, key] of keys.entries()) expect(await store.read(key, number)).toBe(index);
      await store.remove('like');
      expect(await Promise.all(keys.map((key) => store.has(key)))).toEqual([false, ...Array(5).fill(true)]);
    });
  });

  test('a folder names the documents that are directly in it', async () => {
    const store = await open();
    for (const key of ['names/one', 'names/two', 'names/below/three', 'namesake', 'name_/four'])
      await store.write(key, 1);
    expect((await store.names('names')).sort()).toEqual(['one', 'two']);
    expect(await store.names('nothing')).toEqual([]);
  });

  describe('a damaged document', () => {
    test.each([
      ['empty', ''],
      ['garbage', '\u0001\u0002'],
      ['cut off', '[7'],
      ['of another shape', '{"since":"SECRET^NAME"}'],
    ])('(%s) is an error that shows nothing of it, and stays', async (name, content) => {
      const key = `damaged/${name.replaceAll(' ', '-')}`;
      await place().damage(key, content);
      const store = await open();
      const caught: unknown = await store.read(key, number).catch((error: unknown) => error);
      expect(isDamaged(caught)).toBe(true);
      expect(caught).toMatchObject({ message: expect.stringContaining(key) });
      expect(inspect(caught)).not.toContain('SECRET');
      expect(await store.has(key)).toBe(true);
    });

    test('is set aside where it can be found again, which the log tells once', async () => {
      const lines: string[] = [];
      const log = pino({}, { write: (line: string) => void lines.push(line) });
      await place().damage('aside', '{"half":');
      const store = await open();
      expect(await readOrSetAside(store, 'aside', number, log)).toBe('damaged');
      expect(await readOrSetAside(store, 'aside', number, log)).toBeUndefined();
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain('aside');
      await store.write('aside', 7);
      expect(await readOrSetAside(store, 'aside', number, log)).toBe(7);
    });
  });
}
