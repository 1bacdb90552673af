import { z } from 'zod';
import { sleep } from '../async/sleep.js';
import { createError } from '../errors/errors.js';
import type { InstanceId } from './ids.js';
import type { Transport } from './transport.js';

const begun = z.object({ ID: z.string() });
const job = z.object({
  State: z.string(),
  Progress: z.number().min(0).max(100),
  ErrorDescription: z.string().default('no reason given'),
});

const pollMs = 300;

/** Archives of instances, which Orthanc makes in jobs of its own. */
export class Archives {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Has Orthanc make a ZIP file with a DICOMDIR of these instances, and gives it as it comes.
   * @param onProgress told per cent of Orthanc's job
   * @param signal cancels Orthanc's job too
   */
  async *zip(
    ids: readonly InstanceId[],
    onProgress: (percent: number) => void,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer> {
    const data = { Resources: ids, Asynchronous: true };
    const { ID } = await this.#transport.json(begun, { method: 'POST', url: '/tools/create-media', data });
    try {
      await this.#finished(ID, onProgress, signal);
    } catch (error) {
      await this.#transport
        .call({ method: 'POST', url: `/jobs/${ID}/cancel`, data: '{}' })
        .catch(() => undefined);
      throw error;
    }
    yield* this.#transport.stream(`/jobs/${ID}/archive`, signal);
  }

  async #finished(id: string, onProgress: (percent: number) => void, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const { State, Progress, ErrorDescription } = await this.#transport.json(job, {
        method: 'GET',
        url: `/jobs/${id}`,
      });
      onProgress(Progress);
      if (State === 'Success') return;
      if (State === 'Failure')
        throw createError('orthanc_job_failed', { what: 'the archive', why: ErrorDescription });
      await sleep(pollMs, signal);
    }
  }
}
