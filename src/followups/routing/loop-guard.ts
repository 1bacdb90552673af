import { createHash } from 'node:crypto';

/** Entries; about 20 MB of memory. */
const maxEntries = 100_000;

/**
 * Remembers what was sent since the service started, so that two sites that send to each other stop after one round.
 * Where Orthanc overwrites an instance that comes back from a destination, its metadata is lost and it seems new. This
 * guard detects that the same file was sent to the same destination for the same reason.
 */
export class LoopGuard {
  readonly #when = new Map<string, string>();

  /** @returns when the same instance was sent there (ISO 8601); undefined if it was not */
  find(what: SentResource): string | undefined {
    return this.#when.get(keyOf(what));
  }

  add(what: SentResource, when: string): void {
    const key = keyOf(what);
    this.#when.delete(key);
    this.#when.set(key, when);
    for (const oldest of this.#when.keys()) {
      if (this.#when.size <= maxEntries) break;
      this.#when.delete(oldest);
    }
  }
}

export interface SentResource {
  id: string;
  to: string;
  /** Of an instance: the MD5 of its file and its decision. Of a study: what was decided of its pictures. */
  content: string;
  rule: string;
}

const keyOf = ({ id, to, content, rule }: SentResource): string =>
  createHash('md5').update([id, to, rule, content].join('\n')).digest('base64');
