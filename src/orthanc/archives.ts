import { z } from 'zod';
import { sleep } from '../async/sleep.js';
import { createError } from '../errors/errors.js';
import type { InstanceId } from './ids.js';
import type { Transport } from './transport.js';

const createdJob = z.object({ ID: z.string() });
const job = z.object({
  State: z.string(),
  Progress: z.number().min(0).max(100),
  ErrorDescription: z.string().default('no reason given'),
});

const pollMs = 300;

/** ZIP archives of instances. Orthanc makes them in jobs. */
export class Archives {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Lets Orthanc make a ZIP file of these instances, with a DICOMDIR.
   * @param onProgress called with the progress of Orthanc's job, 0 … 100
   * @param signal also cancels Orthanc's job
   * @returns the file in chunks
   * @throws orthanc_job_failed, orthanc_…
   */
  async *zip(
    ids: readonly InstanceId[],
    onProgress: (percent: number) => void,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer> {
    const data = { Resources: ids, Asynchronous: true };
    const request = { method: 'POST', url: '/tools/create-media', data };
    const node = await this.#transport.pinned(request);
    const { ID } = await node.json(createdJob, request);
    try {
      await waitForJob(node, ID, onProgress, signal);
    } catch (error) {
      await node.call({ method: 'POST', url: `/jobs/${ID}/cancel`, data: '{}' }).catch(() => undefined);
      throw error;
    }
    yield* node.stream(`/jobs/${ID}/archive`, signal);
  }
}

async function waitForJob(
  node: Transport,
  id: string,
  onProgress: (percent: number) => void,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const { State, Progress, ErrorDescription } = await node.json(job, {
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
