import { z } from 'zod';
import { createError } from '../errors/errors.js';
import { instanceId, studyId } from '../orthanc/ids.js';

const position = z.object({
  /** How far the list was read: an offset, or a sequence number of the change log. */
  at: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  /** The last instances or studies read. The list changes while people work; these show by how much it moved. */
  tail: z.array(z.union([instanceId, studyId])).max(10),
});
/** Where a page ended. */
export type Position = z.output<typeof position>;

/** The number of identifiers in `tail`. */
export const tailLength = 10;

/** A cursor is opaque to callers. */
export const writeCursor = (from: Position): string =>
  Buffer.from(JSON.stringify(from)).toString('base64url');

/** @throws cursor_unknown */
export function readCursor(text: string): Position {
  try {
    return position.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch (error) {
    throw createError('cursor_unknown', {}, error);
  }
}
