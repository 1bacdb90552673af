import { createHash } from 'node:crypto';

/** About 20 MB in memory at most. */
const most = 100_000;

/**
 * What was sent where since the service started. Where Orthanc overwrites what is sent to it again, an instance that
 * comes back from a destination has lost its metadata and looks new; that it is the same file, sent there for the
 * same reason, shows here. Two sites that send to each other so end after one round.
 */
export class LoopGuard {
  readonly #when = new Map<string, string>();

  /** @returns when the same was sent there, ISO 8601; undefined if it was not */
  find(what: Sent): string | undefined {
    return this.#when.get(keyOf(what));
  }

  add(what: Sent, when: string): void {
    const key = keyOf(what);
    this.#when.delete(key);
    this.#when.set(key, when);
    for (const oldest of this.#when.keys()) {
      if (this.#when.size <= most) break;
      this.#when.delete(oldest);
    }
  }
}

export interface Sent {
  instance: string;
  to: string;
  md5: string;
  rule: string;
  decision: string;
  category: string | undefined;
}

const keyOf = ({ instance, to, md5, rule, decision, category = '' }: Sent): string =>
  createHash('md5').update([instance, to, md5, rule, decision, category].join('\n')).digest('base64');
