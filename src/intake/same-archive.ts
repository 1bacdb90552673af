import type { Logger } from 'pino';
import { createError } from '../errors/errors.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { Store } from '../store/store.js';
import { ChangeCursor } from './cursor.js';

/**
 * For a process that does not lead: its Orthanc must be that of the leader, by whose change log the shared place in it was
 * written. Else it would look for each radiograph in the wrong archive, and find none. After the log of the right one was
 * cleared, this holds again as soon as the leader has seen that.
 * @throws archive_differs, database_unusable, orthanc_…
 */
export async function requireSameArchive(
  orthanc: Pick<Orthanc, 'changes'>,
  store: Store,
  log: Logger,
): Promise<void> {
  const { bookmark } = await ChangeCursor.open(store, log);
  if (bookmark === undefined) return;
  const [first] = await orthanc.changes.after(bookmark.seq - 1, 1);
  const isOther = first?.seq === bookmark.seq && first.id !== bookmark.id;
  if (isOther || (await orthanc.changes.page(bookmark.seq, 1, 'all')).logIsShorter)
    throw createError('archive_differs', {});
}
