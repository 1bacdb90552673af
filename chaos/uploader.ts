import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { TestInstance } from './test-instances.js';

const stored = z.object({ ID: z.string(), ParentStudy: z.string() });
const concurrency = 4;
const timeoutMs = 120_000;

/** Stores instances as a modality does: it repeats an upload that fails, at the next Orthanc if there are several. */
export class Uploader {
  /** Orthanc's identifier → instance. */
  readonly stored = new Map<string, TestInstance>();
  readonly studies = new Set<string>();
  /** Instance → study. */
  readonly studyOf = new Map<string, string>();
  repeats = 0;
  readonly #urls: readonly string[];
  #posts = 0;

  constructor(...orthancs: readonly string[]) {
    this.#urls = orthancs.map((orthanc) => `${orthanc}/instances`);
  }

  async send(items: readonly TestInstance[]): Promise<void> {
    const waiting = items.values();
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        for (const item of waiting) await this.#store(item);
      }),
    );
  }

  async #store(item: TestInstance): Promise<void> {
    const body = new Uint8Array(item.file());
    for (const deadline = Date.now() + timeoutMs; ; await delay(100)) {
      const answer = await this.#post(body);
      if (answer !== undefined) {
        this.stored.set(answer.ID, item);
        this.studies.add(answer.ParentStudy);
        this.studyOf.set(answer.ID, answer.ParentStudy);
        return;
      }
      this.repeats++;
      if (Date.now() > deadline) throw new Error(`Orthanc took no upload for ${timeoutMs / 1000} s`);
    }
  }

  async #post(body: Uint8Array<ArrayBuffer>): Promise<z.output<typeof stored> | undefined> {
    try {
      const url = this.#urls[this.#posts++ % this.#urls.length] ?? '';
      const answer = await fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(30_000) });
      const parsed = stored.safeParse(await answer.json());
      return answer.ok ? parsed.data : undefined;
    } catch {
      return undefined; // Orthanc does not answer; the caller tries again
    }
  }
}
