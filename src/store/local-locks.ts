import { AsyncLocalStorage } from 'node:async_hooks';
import { KeyedMutex } from '../async/keyed-mutex.js';
import { SingleFlight } from '../async/single-flight.js';
import { createError } from '../errors/errors.js';
import { type LockKind, type Locks, lockKinds } from './locks.js';

/** Locks within this process. */
export class LocalLocks implements Locks {
  readonly #mutex = new KeyedMutex<string>();
  readonly #flights = new SingleFlight<string>();
  /** The last kind that the running task took. By the order of kinds it is the latest that the task holds. */
  readonly #held = new AsyncLocalStorage<LockKind>();

  exclusive<T>(kind: LockKind, id: string, task: () => Promise<T>): Promise<T> {
    return this.#inOrder(kind, () => this.#mutex.run(keyOf(kind, id), () => this.#held.run(kind, task)));
  }

  shared(kind: LockKind, id: string, task: () => Promise<void>): Promise<void> {
    return this.#inOrder(kind, () => this.#flights.run(keyOf(kind, id), () => this.#held.run(kind, task)));
  }

  async #inOrder<T>(kind: LockKind, wait: () => Promise<T>): Promise<T> {
    const held = this.#held.getStore();
    if (held !== undefined && lockKinds.indexOf(held) >= lockKinds.indexOf(kind))
      throw createError(
        'internal',
        {},
        new Error(`the lock "${kind}" was requested while "${held}" was held`),
      );
    return wait();
  }
}

const keyOf = (kind: LockKind, id: string): string => `${kind} ${id}`;
