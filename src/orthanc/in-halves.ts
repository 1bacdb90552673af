import { asPlainviewError, type ErrorCode, type PlainviewError } from '../errors/errors.js';
import type { Orthanc } from './orthanc.js';

/** Errors that one resource can cause for all that are read with it: its metadata is too long, or Orthanc fails at it. */
const oneCanCause: ReadonlySet<ErrorCode> = new Set([
  'orthanc_too_long',
  'orthanc_garbage',
  'orthanc_timeout',
  'orthanc_failed',
]);

/**
 * Reads resources together. Where Orthanc cannot give them so, reads them in halves, down to a single one.
 * @param leave told of each that cannot be read even alone, where Orthanc answers others
 * @throws orthanc_… where Orthanc is away, and what can be no single resource's fault
 */
export async function inHalves<I, T>(
  orthanc: Pick<Orthanc, 'isAway' | 'changes'>,
  ids: readonly I[],
  read: (ids: readonly I[]) => Promise<readonly T[]>,
  leave: (id: I, error: PlainviewError) => void,
): Promise<readonly T[]> {
  try {
    return await read(ids);
  } catch (caught) {
    const error = asPlainviewError(caught);
    if (!oneCanCause.has(error.code) || (await orthanc.isAway(error))) throw caught;
    const half = Math.ceil(ids.length / 2);
    const [one] = ids;
    if (one !== undefined && ids.length > 1)
      return [
        ...(await inHalves(orthanc, ids.slice(0, half), read, leave)),
        ...(await inHalves(orthanc, ids.slice(half), read, leave)),
      ];
    // Another server at this address may answer everything with a page of its own. It throws here.
    await orthanc.changes.last();
    if (one !== undefined) leave(one, error);
    return [];
  }
}
