import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { inspect } from 'node:util';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { shipped } from '../../../src/files/places.js';
import { isDamaged, readOrSetAside, type Store } from '../../../src/store/store.js';
import { seeded } from '../../../testkit/random.js';

/** A place for documents, which outlasts the stores that are opened on it. */
export interface Place {
  /** A store of a process that starts now. */
  open(): Promise<Store>;
  /** Writes what no store would. @param content text in place of JSON */
  damage(key: string, content: string): Promise<void>;
  /** What `testkit/store-writer.ts` is given to write there. */
  address(): [kind: 'folder' | 'database', place: string];
}

/** What every store promises. */
export function storeConformance(place: () => Place): void {
  const number = z.number();
  const open = () => place().open();

  test('a process that is killed at any moment leaves each document whole, and all changes but the last one made', async () => {
    const random = seeded(1);
    const document = z.object({ n: z.number(), filling: z.string().length(20_000) });
    for (let kill = 0; kill < 6; kill++) {
      const writer = spawn(
        process.execPath,
        ['--import', 'tsx', shipped('testkit', 'store-writer.ts'), ...place().address()],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const ended = once(writer, 'exit');
      // All three are of this process then.
      const atLeast = 3 + Math.floor(random() * 40);
      let made = 0;
      for await (const line of createInterface(writer.stdout)) {
        made = Number(line);
        if (made >= atLeast) writer.kill('SIGKILL');
      }
      await ended;
      const store = await open();
      const found = new Map<number, number | undefined>();
      for (const key of [0, 1, 2]) found.set(key, (await store.read(`killed/${key}`, document))?.n);
      // As after the last change that was told, or after the one that was being made.
      const after = (changes: number) => {
        const expected = new Map<number, number | undefined>([0, 1, 2].map((key) => [key, undefined]));
        for (let n = 1; n <= changes; n++) expected.set(n % 3, n % 10 === 0 ? undefined : n);
        return expected;
      };
      expect([after(made), after(made + 1)]).toContainEqual(found);
    }
  }, 60_000);

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
