import { closeSync, constants, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Gate } from '../async/gate.js';
import { createError } from '../errors/errors.js';
import { makeFolder } from '../files/make-folder.js';
import { ownerOnly } from '../files/replace.js';

/** After so many ends of the process during the work on one thing, it is not worked on again. */
const maxEnds = 2;
/** What was in work at an end waits so long after the next start: all others come first. */
const restMs = 10_000;

/** Unlike `w`, it leaves what is there, so that no reader and no kill meets an empty file. */
const inPlace = constants.O_WRONLY | constants.O_CREAT;

const content = z.object({
  inWork: z.array(z.string()),
  /** How often the process ended during the work on each. */
  ends: z.record(z.string(), z.number().int()),
});

/**
 * Knows from the state folder what was in work when the process ended without a stop: that may have ended it. It is
 * worked on once more, later and alone, so that what was in work beside it is cleared of suspicion.
 */
export class InWork {
  readonly #path: string;
  readonly #inWork = new Set<string>();
  readonly #ends: Map<string, number>;
  readonly #gate = new Gate();
  readonly #restsUntil: number;
  /** Bytes of the file; 0 before the first write, which leaves nothing of an earlier start. */
  #length = 0;
  #isStopped = false;

  /**
   * @param rest other than the default in tests alone, milliseconds
   * @throws state_unusable
   */
  constructor(stateDir: string, rest = restMs) {
    this.#path = join(stateDir, 'in-work.json');
    const before = read(this.#path);
    this.#ends = new Map(Object.entries(before.ends));
    for (const key of before.inWork) this.#ends.set(key, (this.#ends.get(key) ?? 0) + 1);
    this.#restsUntil = performance.now() + rest;
    try {
      makeFolder(stateDir);
    } catch (error) {
      throw createError('state_unusable', { folder: stateDir, why: (error as Error).message }, error);
    }
    this.#write();
  }

  /** How long work must wait, milliseconds. */
  pauseMs(key: string): number {
    return this.#ends.has(key) ? Math.max(0, this.#restsUntil - performance.now()) : 0;
  }

  /**
   * @param key of the work, for example an instance
   * @throws work_ends_service where the work has ended the process too often, state_unusable, and what the task throws
   */
  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const times = this.#ends.get(key) ?? 0;
    if (times >= maxEnds) throw createError('work_ends_service', { times });
    return this.#gate.run(times === 0 ? 'together' : 'alone', async () => {
      this.#inWork.add(key);
      try {
        this.#write();
      } catch (error) {
        this.#inWork.delete(key);
        throw error;
      }
      try {
        return await task();
      } finally {
        this.#inWork.delete(key);
        this.#ends.delete(key);
        this.#write();
      }
    });
  }

  /** The process is about to end for a known reason: what is still in work is not the cause. */
  stop(): void {
    this.#inWork.clear();
    this.#write();
    this.#isStopped = true;
  }

  /**
   * Twice for each picture, so not synced: what the kernel has outlasts the process. Power cuts are not counted. And in place:
   * ext4 writes to the disk at once what is renamed over another file, and this thread would wait for that.
   */
  #write(): void {
    if (this.#isStopped) return;
    const text = JSON.stringify({ inWork: [...this.#inWork], ends: Object.fromEntries(this.#ends) });
    // Blanks, which JSON allows, cover the rest of a longer text.
    const bytes = Buffer.from(text.padEnd(this.#length));
    try {
      const file = openSync(this.#path, this.#length === 0 ? 'w' : inPlace, ownerOnly.mode);
      try {
        writeFileSync(file, bytes);
      } finally {
        closeSync(file);
      }
      this.#length = bytes.length;
    } catch (error) {
      throw createError('state_unusable', { folder: this.#path, why: (error as Error).message }, error);
    }
  }
}

/** A missing or damaged file tells nothing. */
function read(path: string): z.output<typeof content> {
  try {
    return content.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return { inWork: [], ends: {} };
  }
}
