import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LocalLocks } from '../../../src/store/local-locks.js';
import { type LockKind, type Locks, lockKinds } from '../../../src/store/locks.js';
import { SharedLocks } from '../../../src/store/postgresql/open.js';
import { TestArchive } from '../../../testkit/members.js';
import { type Postgresql, startPostgresql } from '../../../testkit/postgresql.js';
import { waitFor } from '../../../testkit/wait-for.js';

const server = await startPostgresql();
if (server === undefined)
  console.warn('PostgreSQL is not installed: the tests of locks across processes are skipped.');
afterAll(() => server?.stop());

/** Each implementation of the interface. */
const implementations: Record<string, { isThere: boolean; create: () => Promise<Locks> }> = {
  local: { isThere: true, create: async () => new LocalLocks() },
  shared: { isThere: server !== undefined, create: createShared },
};

let archive: TestArchive | undefined;
async function createShared(): Promise<Locks> {
  archive ??= await TestArchive.create(server as Postgresql);
  const database = await archive.open();
  return new SharedLocks(database, await archive.join(database, randomUUID()));
}
afterAll(() => archive?.close());

/** A promise that a test settles. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe.each(Object.entries(implementations))('%s locks', (_name, { isThere, create }) => {
  let locks: Locks;
  beforeAll(async () => {
    if (isThere) locks = await create();
  });
  describe.skipIf(!isThere)('', () => {
    test('tasks of one kind and id run one after the other, in the order of the calls', async () => {
      const first = gate();
      const events: string[] = [];
      const run = (name: string, until: Promise<void> = Promise.resolve()) =>
        locks.exclusive('instance', 'a', async () => {
          events.push(`${name} begins`);
          await until;
          events.push(`${name} ends`);
        });
      const all = [run('1', first.opened), run('2'), run('3')];
      await waitFor(() => events.length > 0);
      expect(events).toEqual(['1 begins']);
      first.open();
      await Promise.all(all);
      expect(events).toEqual(['1 begins', '1 ends', '2 begins', '2 ends', '3 begins', '3 ends']);
    });

    test('tasks of another id or kind do not wait', async () => {
      const first = gate();
      const held = locks.exclusive('instance', 'a', () => first.opened);
      expect(await locks.exclusive('instance', 'b', async () => 'other id')).toBe('other id');
      expect(await locks.exclusive('study files', 'a', async () => 'other kind')).toBe('other kind');
      first.open();
      await held;
    });

    test('what a task begins and does not wait for may take any lock once the task has ended', async () => {
      const { open, opened } = gate();
      let later: Promise<string> = Promise.resolve('');
      await locks.exclusive('study labels', 'a', async () => {
        later = opened.then(() => locks.exclusive('instance', 'a', async () => 'later'));
      });
      open();
      expect(await later).toBe('later');
    });

    test('a failed task rejects its own call, and the next one runs', async () => {
      const failing = locks.exclusive('instance', 'a', async () => {
        throw new Error('broke');
      });
      const next = locks.exclusive('instance', 'a', async () => 'next');
      await expect(failing).rejects.toThrow('broke');
      expect(await next).toBe('next');
    });

    test('shared: all calls during a run share one next run, which begins after each of them', async () => {
      const first = gate();
      let runs = 0;
      const run = () =>
        locks.shared('study labels', 's', async () => {
          if (++runs === 1) await first.opened;
        });
      const all = [run(), ...Array.from({ length: 100 }, run)];
      await waitFor(() => runs > 0);
      expect(runs).toBe(1);
      first.open();
      await Promise.all(all);
      expect(runs).toBe(2);
    });

    describe('their order', () => {
      const pairs = lockKinds.flatMap((held, i) =>
        lockKinds.map((requested, j) => [held, requested, j > i] as const),
      );

      test.each(pairs)('while "%s" is held, "%s" may be taken: %s', async (held, requested, isAllowed) => {
        const nested = locks.exclusive(held, 'a', () => locks.exclusive(requested, 'b', async () => 'done'));
        if (isAllowed) expect(await nested).toBe('done');
        else await expect(nested).rejects.toMatchObject({ code: 'internal' });
      });

      test('applies to shared runs too, and at any depth', async () => {
        const take = (kinds: readonly LockKind[]): Promise<void> => {
          const [kind, ...more] = kinds;
          return kind === undefined ? Promise.resolve() : locks.shared(kind, 'a', () => take(more));
        };
        await take(lockKinds);
        await expect(take([...lockKinds, 'instance'])).rejects.toMatchObject({ code: 'internal' });
      });

      test('does not apply after the lock is released', async () => {
        await locks.exclusive('study labels', 'a', async () => undefined);
        expect(await locks.exclusive('study files', 'a', async () => 'done')).toBe('done');
      });
    });
  });
});
