import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { readPicture } from '../classify/prepare/file.js';
import { createError } from '../errors/errors.js';
import { fileProblem } from '../files/file-problem.js';
import type { GroundTruth } from './ground-truth.js';
import { locationOf, readTable } from './table.js';

export interface Columns {
  readonly file: string;
  readonly label: string;
  /** Column by which figures are grouped. */
  readonly by: string | undefined;
}

/** Name of the optional column that identifies patients. */
const patientColumn = 'patient';

/**
 * Reads a CSV or TSV file with a header and one picture per line. Paths are relative to its folder.
 * @throws labels_invalid, with line and column; file_unreadable
 */
export async function labelsFile(path: string, columns: Columns): Promise<GroundTruth> {
  const content = await readFile(path).catch((error: unknown) => {
    throw createError('file_unreadable', { problem: fileProblem(path, error) }, error);
  });
  const { file, label, by } = columns;
  const table = readTable(path, content, [file, label, ...(by === undefined ? [] : [by])]);
  const lines = new Map<string, number>();
  const pictures = table.rows.map((row) => {
    const id = row.required(file);
    const before = lines.get(id);
    if (before !== undefined)
      throw createError('labels_invalid', {
        file: path,
        where: locationOf(row.line, file),
        problem: `${id} is named already in line ${before}`,
      });
    lines.set(id, row.line);
    const patient = row.optional(patientColumn);
    return {
      id,
      label: row.required(label),
      ...(by === undefined ? {} : { group: row.optional(by) ?? '(none)' }),
      ...(patient === undefined ? {} : { patient }),
    };
  });
  return {
    name: path,
    sha256: createHash('sha256').update(content).digest('hex'),
    pictures,
    read: ({ id }) => readPicture(resolve(dirname(path), id)),
    warnings: [],
  };
}
