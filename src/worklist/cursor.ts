import { z } from 'zod';
import { createError } from '../errors/errors.js';
import { instanceId } from '../orthanc/ids.js';

const place = z.object({
  /** How far the list was read: a position, or a number of the change log. */
  at: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  /** The last that were read: the list moves while people work it off, and these tell by how much. */
  tail: z.array(instanceId).max(10),
});
/** Where a page ended. */
export type Place = z.output<typeof place>;

/** How many of the last are remembered. */
export const tailLength = 10;

/** For callers a cursor is a word without meaning. */
export const writeCursor = (from: Place): string => Buffer.from(JSON.stringify(from)).toString('base64url');

/** @throws cursor_unknown */
export function readCursor(text: string): Place {
  try {
    return place.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch (error) {
    throw createError('cursor_unknown', {}, error);
  }
}
