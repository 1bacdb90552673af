import type { Logger } from 'pino';
import { pause } from '../async/sleep.js';
import { asPlainview, type PlainviewError } from '../errors/errors.js';

/** So often what may pass is tried of an Orthanc that is there. */
const tries = 10;
const waitMs = 2000;

/**
 * Does a step of long work, waiting out an Orthanc that is away however long that takes, and what else may pass for a
 * while.
 * @returns undefined when told to stop meanwhile
 * @throws what no waiting mends
 */
export async function patiently<T>(
  step: () => Promise<T>,
  parts: { isOrthancAway: (error: PlainviewError) => Promise<boolean>; log: Logger },
  signal: AbortSignal,
): Promise<T | undefined> {
  for (let failures = 0; !signal.aborted; ) {
    try {
      return await step();
    } catch (caught) {
      const error = asPlainview(caught);
      if (!error.passing || error.code === 'internal') throw error;
      if (!(await parts.isOrthancAway(error))) {
        if (++failures === tries) throw error;
        parts.log.info({ err: error }, 'tried in vain, will be tried again');
      }
      await pause(waitMs, signal);
    }
  }
  return undefined;
}
