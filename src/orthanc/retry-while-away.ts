import type { Logger } from 'pino';
import { sleep } from '../async/sleep.js';
import { asPlainviewError } from '../errors/errors.js';
import type { Orthanc } from './orthanc.js';

/** Tries of what fails with a transient error while Orthanc answers. */
const tries = 10;
const waitMs = 2000;

/**
 * Runs a step of long work. While Orthanc is away it is tried again without end; another transient error is tried again
 * a bounded number of times.
 * @returns undefined where the signal aborted first
 * @throws what no waiting mends
 */
export async function retryWhileAway<T>(
  step: () => Promise<T>,
  parts: { orthanc: Pick<Orthanc, 'isAway'>; log: Logger; sleep?: typeof sleep },
  signal: AbortSignal,
): Promise<T | undefined> {
  const wait = parts.sleep ?? sleep;
  for (let failures = 0; !signal.aborted; ) {
    try {
      return await step();
    } catch (caught) {
      const error = asPlainviewError(caught);
      if (!error.transient || error.code === 'internal') throw error;
      if (!(await parts.orthanc.isAway(error))) {
        if (++failures === tries) throw error;
        parts.log.info({ err: error }, 'a step failed and is tried again');
      }
      await wait(waitMs, signal);
    }
  }
  return undefined;
}
