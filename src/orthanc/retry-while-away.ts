import type { Logger } from 'pino';
import { sleep } from '../async/sleep.js';
import { asPlainviewError, type PlainviewError } from '../errors/errors.js';

/** So often what may pass is tried of an Orthanc that is there. */
const tries = 10;
const waitMs = 2000;

/**
 * Does a step of long work, waiting out an Orthanc that is away however long that takes, and what else may pass for a
 * while.
 * @returns undefined when told to stop meanwhile
 * @throws what no waiting mends
 */
export async function retryWhileAway<T>(
  step: () => Promise<T>,
  parts: { isOrthancAway: (error: PlainviewError) => Promise<boolean>; log: Logger },
  signal: AbortSignal,
): Promise<T | undefined> {
  for (let failures = 0; !signal.aborted; ) {
    try {
      return await step();
    } catch (caught) {
      const error = asPlainviewError(caught);
      if (!error.transient || error.code === 'internal') throw error;
      if (!(await parts.isOrthancAway(error))) {
        if (++failures === tries) throw error;
        parts.log.info({ err: error }, 'tried in vain, will be tried again');
      }
      await sleep(waitMs, signal);
    }
  }
  return undefined;
}
