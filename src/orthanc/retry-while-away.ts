import type { Logger } from 'pino';
import { sleep } from '../async/sleep.js';
import { asPlainviewError } from '../errors/errors.js';
import type { Orthanc } from './orthanc.js';

/** Most tries of a step that fails with a transient error although Orthanc answers. */
const tries = 10;
const waitMs = 2000;

/**
 * Runs one step of a long task. While Orthanc is away, the step is tried again without end. After another transient
 * error it is tried again a bounded number of times.
 * @returns undefined where the signal aborted first
 * @throws errors that are not transient, and the last error after too many tries
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
