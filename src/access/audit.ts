import { closeSync, existsSync, openSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { createError } from '../errors/errors.js';
import { fileProblem } from '../files/file-problem.js';
import { syncFolderNow } from '../files/make-folder.js';
import { ownerOnly } from '../files/replace.js';
import type { Caller } from './caller.js';

/** An action of a caller. It holds identifiers and categories, no patient data. */
export interface AuditEntry {
  caller: Caller;
  action: 'reclassify' | 'cancel' | 'correct' | 'confirm' | 'undo' | 'undo tags' | 'retry routes' | 'sweep';
  /** The object of the action: a resource or a reclassification job. */
  target: string;
  detail?: unknown;
}

export type Audit = (entry: AuditEntry) => Promise<void>;

/**
 * Writes each action to the log, and as a JSON line to a file where one is given. The line is on the disk when this
 * returns. A failure to write the file later is
 * logged and does not fail the action: who acted and when is also in Orthanc's metadata.
 * @throws config_invalid where the file cannot be written at the start
 */
export function auditTrail(file: string | undefined, log: Logger): Audit {
  if (file !== undefined) requireAppendable(file);
  return async ({ caller, ...rest }) => {
    const entry = {
      when: new Date().toISOString(),
      who: caller.who,
      role: caller.role,
      how: caller.how,
      ...rest,
    };
    log.info({ audit: entry }, 'audit');
    if (file === undefined) return;
    try {
      await appendFile(file, `${JSON.stringify(entry)}\n`, { ...ownerOnly, flush: true });
    } catch (error) {
      log.error({ err: error, file }, 'the audit trail cannot be written');
    }
  };
}

function requireAppendable(file: string): void {
  try {
    closeSync(openSync(file, 'a', ownerOnly.mode));
    syncFolderNow(dirname(file));
  } catch (error) {
    // The file itself may be missing.
    const missing = existsSync(dirname(file)) ? file : dirname(file);
    const problem = `PLAINVIEW_AUDIT_FILE: ${fileProblem(missing, error)}`;
    throw createError('config_invalid', { problems: [problem] }, error);
  }
}
