import { closeSync, openSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import { createError } from '../errors/errors.js';
import type { Caller } from './caller.js';

/** What somebody did. Identifiers and categories only, no patient data. */
export interface AuditEntry {
  caller: Caller;
  action: 'reclassify' | 'cancel' | 'correct' | 'confirm' | 'undo' | 'undo tags' | 'retry routes' | 'sweep';
  /** What it was done to: a resource, a request. */
  target: string;
  detail?: unknown;
}

export type Audit = (entry: AuditEntry) => Promise<void>;

/** Nobody else's to read. */
const mode = 0o600;

/**
 * Notes who did what as JSON lines, in the log and in a file of its own where one is named. A file that cannot be
 * written any more is an error in the log: the deed itself stands in Orthanc's metadata with who and when.
 * @throws config_invalid where it cannot be written at all: nobody would miss the trail before it is needed
 */
export function auditTrail(file: string | undefined, log: Logger): Audit {
  if (file !== undefined) requireAppendable(file);
  return async ({ caller, ...deed }) => {
    const entry = {
      when: new Date().toISOString(),
      who: caller.who,
      role: caller.role,
      how: caller.how,
      ...deed,
    };
    log.info({ audit: entry }, 'audit');
    if (file === undefined) return;
    try {
      await appendFile(file, `${JSON.stringify(entry)}\n`, { mode });
    } catch (error) {
      log.error({ err: error, file }, 'the audit trail cannot be written');
    }
  };
}

function requireAppendable(file: string): void {
  try {
    closeSync(openSync(file, 'a', mode));
  } catch (error) {
    throw createError(
      'config_invalid',
      { problems: [`PLAINVIEW_AUDIT_FILE: ${(error as Error).message}`] },
      error,
    );
  }
}
