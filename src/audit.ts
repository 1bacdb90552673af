import { appendFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Caller } from './http/auth/caller.js';

/** What somebody did. Identifiers and categories only, no patient data. */
export interface AuditEntry {
  caller: Caller;
  action: 'reclassify' | 'cancel' | 'correct' | 'confirm' | 'undo' | 'undo tags' | 'retry routes' | 'sweep';
  /** What it was done to: a resource, a request. */
  target: string;
  detail?: unknown;
}

export type Audit = (entry: AuditEntry) => Promise<void>;

/**
 * Notes who did what as JSON lines, in the log and in a file of its own where one is named. A file that cannot be
 * written is an error in the log: the deed itself stands in Orthanc's metadata with who and when.
 */
export function auditTrail(file: string | undefined, log: Logger): Audit {
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
      await appendFile(file, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
    } catch (error) {
      log.error({ err: error, file }, 'the audit trail cannot be written');
    }
  };
}
