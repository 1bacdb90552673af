import {
  asPlainviewError,
  createError,
  detailOf,
  type ErrorDetail,
  type PlainviewError,
} from '../errors/errors.js';
import type { Store } from './store.js';

/** As much as a block of most file systems: a document of a few bytes can have room on a full disk. */
const content = '-'.repeat(4096);

/** A try that lasts longer counts as failed, milliseconds. */
const longestMs = 10_000;

/** Tries whether the store can be written. */
export class StateProbe {
  readonly #store: Pick<Store, 'write'>;
  /** Names the store in messages. */
  readonly #place: string;
  #error: PlainviewError | undefined;
  /** When the try that is running began. */
  #began: number | undefined;

  constructor(store: Pick<Store, 'write'>, place: string) {
    this.#store = store;
    this.#place = place;
  }

  /** Why the store could not be written at the last try; undefined where it could. */
  get problem(): string | undefined {
    return this.#error?.message;
  }

  get failure(): ErrorDetail | undefined {
    return this.#error && detailOf(this.#error);
  }

  async try(): Promise<void> {
    // The try before this one can hang, for example because a file server does not answer.
    if (this.#began !== undefined) {
      if (performance.now() - this.#began > longestMs)
        this.#error = createError('state_unusable', { folder: this.#place, why: 'it does not answer' });
      return;
    }
    this.#began = performance.now();
    try {
      await this.#store.write('probe', content);
      this.#error = undefined;
    } catch (error) {
      this.#error = asPlainviewError(error);
    } finally {
      this.#began = undefined;
    }
  }
}
