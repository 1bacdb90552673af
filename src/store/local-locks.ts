import { AsyncLocalStorage } from 'node:async_hooks';
import { KeyedMutex } from '../async/keyed-mutex.js';
import { SingleFlight } from '../async/single-flight.js';
import { createError } from '../errors/errors.js';
import { type LockKind, type Locks, lockKinds } from './locks.js';

interface Held {
  kind: LockKind;
  /** The task has ended. What it began and did not wait for still runs in its context. */
  isOver: boolean;
}

/** Locks within this process. */
export class LocalLocks implements Locks {
  readonly #mutex = new KeyedMutex<string>();
  readonly #flights = new SingleFlight<string>();
  /** The last lock that the running task took. By the order of kinds it is the latest that the task holds. */
  readonly #held = new AsyncLocalStorage<Held>();

  exclusive<T>(kind: LockKind, id: string, task: () => Promise<T>): Promise<T> {
    return this.#inOrder(kind, () => this.#mutex.run(keyOf(kind, id), () => this.#hold(kind, task)));
  }

  shared(kind: LockKind, id: string, task: () => Promise<void>): Promise<void> {
    return this.#inOrder(kind, () => this.#flights.run(keyOf(kind, id), () => this.#hold(kind, task)));
  }

  async #inOrder<T>(kind: LockKind, wait: () => Promise<T>): Promise<T> {
    const held = this.#held.getStore();
    if (held !== undefined && !held.isOver && lockKinds.indexOf(held.kind) >= lockKinds.indexOf(kind))
      throw createError(
        'internal',
        {},
        new Error(`the lock "${kind}" was requested while "${held.kind}" was held`),
      );
    return wait();
  }

  #hold<T>(kind: LockKind, task: () => Promise<T>): Promise<T> {
    const held = { kind, isOver: false };
    return this.#held.run(held, async () => {
      try {
        return await task();
      } finally {
        held.isOver = true;
      }
    });
  }
}

const keyOf = (kind: LockKind, id: string): string => `${kind} ${id}`;
