import { closeSync, existsSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/options.js';
import { createError } from '../errors/errors.js';
import { fileProblem } from '../files/file-problem.js';
import { syncFolderNow } from '../files/make-folder.js';
import { ownerOnly } from '../files/replace.js';
import { AuditFile } from './audit-file.js';
import type { Identity } from './caller.js';

/** An action of a caller. It holds identifiers and categories, no patient data. */
export interface AuditEntry {
  caller: Identity;
  action:
    | 'reclassify'
    | 'cancel'
    | 'correct'
    | 'confirm'
    | 'undo'
    /** A category that somebody set as a label in Orthanc is no correction. */
    | 'dismiss'
    | 'undo tags'
    | 'retry routes'
    | 'sweep'
    | 'view'
    | 'list'
    | 'refused'
    /** A sealed request replaced a person's decision by the network's. */
    | 'end correction';
  /** The object of the action: a resource, a reclassification job, or the operation that was refused. */
  target: string;
  detail?: unknown;
}

/** @returns a promise that resolves when the entry is written, or when that has failed and is reported */
export type Audit = (entry: AuditEntry) => Promise<void>;

/**
 * Writes each action to the log, and as a JSON line to a file where one is given. The line is on the disk when this returns.
 * Views and lists are written to the file alone, and only where that is asked for: they are many. A failure to write the file later is
 * logged and counted, and does not fail the action.
 * @param lost is told the number of entries that could not be written
 * @throws config_invalid where the file cannot be written at the start, or is missing for views
 */
export function auditTrail(
  { auditFile: path, auditViews }: Pick<Config, 'auditFile' | 'auditViews'>,
  log: Logger,
  lost: (entries: number) => void,
): Audit {
  if (path === undefined && auditViews === 'on') throw unusable('must be set for PLAINVIEW_AUDIT_VIEWS=on');
  if (path !== undefined) requireAppendable(path);
  const file = path === undefined ? undefined : new AuditFile(path, log, lost);
  return async ({ caller, ...rest }) => {
    const isView = rest.action === 'view' || rest.action === 'list';
    if (isView && auditViews === 'off') return;
    const { who, role, how } = caller;
    const entry = { when: new Date().toISOString(), who, role, how, ...rest };
    if (!isView) log.info({ audit: entry }, 'audit');
    await file?.append(entry);
  };
}

function requireAppendable(file: string): void {
  try {
    closeSync(openSync(file, 'a', ownerOnly.mode));
    syncFolderNow(dirname(file));
  } catch (error) {
    // The file itself may be missing.
    const missing = existsSync(dirname(file)) ? file : dirname(file);
    throw unusable(fileProblem(missing, error), error);
  }
}

const unusable = (problem: string, cause?: unknown) =>
  createError('config_invalid', { problems: [`PLAINVIEW_AUDIT_FILE: ${problem}`] }, cause);
