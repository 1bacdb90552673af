import { closeSync, existsSync, openSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/options.js';
import { createError } from '../errors/errors.js';
import { fileProblem } from '../files/file-problem.js';
import { syncFolderNow } from '../files/make-folder.js';
import { ownerOnly } from '../files/replace.js';
import { AuditLines, type AuditPlace } from './audit-lines.js';
import type { Identity } from './caller.js';

/** An action of a caller. It holds identifiers and categories, no patient data. */
export interface AuditEntry {
  caller: Identity;
  action:
    | 'reclassify'
    | 'cancel'
    | 'correct'
    | 'confirm'
    /** A person has said which way up a picture is. */
    | 'orient'
    | 'undo'
    /** An answer to what differs from the order. */
    | 'acknowledge'
    /** A category that somebody set as a label in Orthanc is no correction. */
    | 'dismiss'
    | 'undo tags'
    | 'retry routes'
    | 'sweep'
    | 'report'
    | 'accept drift'
    | 'use network'
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
 * Writes each action to the log, and as a JSON line to a file where one is given, and to the database where there is one.
 * The line is kept there when this returns. Views and lists are not in the log, and are written only where that is asked
 * for: they are many. A failure to write later is logged and counted, and does not fail the action.
 * @param lost is told the number of entries that could not be written
 * @param database of the archive, where several processes share it
 * @throws config_invalid where the file cannot be written at the start, or is missing for views
 */
export function auditTrail(
  { auditFile: path, auditViews }: Pick<Config, 'auditFile' | 'auditViews'>,
  log: Logger,
  lost: (entries: number) => void,
  database?: AuditPlace,
): Audit {
  if (path === undefined && database === undefined && auditViews === 'on')
    throw unusable('must be set for PLAINVIEW_AUDIT_VIEWS=on');
  if (path !== undefined) requireAppendable(path);
  const places = [
    ...(path === undefined ? [] : [fileAt(path)]),
    ...(database === undefined ? [] : [database]),
  ];
  const kept = places.map((place) => new AuditLines(place, log, lost));
  return async ({ caller, ...rest }) => {
    const isView = rest.action === 'view' || rest.action === 'list';
    if (isView && auditViews === 'off') return;
    const { who, role, how } = caller;
    const entry = { when: new Date().toISOString(), who, role, how, ...rest };
    if (!isView) log.info({ audit: entry }, 'audit');
    await Promise.all(kept.map((lines) => lines.append(entry)));
  };
}

/** The file is opened for each write: it may be moved away. */
const fileAt = (path: string): AuditPlace => ({
  name: path,
  append: (lines) => appendFile(path, `${lines.join('\n')}\n`, { ...ownerOnly, flush: true }),
});

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
