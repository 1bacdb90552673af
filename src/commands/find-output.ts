import { open } from 'node:fs/promises';
import { createError } from '../errors/errors.js';
import { ownerOnly } from '../files/replace.js';
import { requireNewFile, writeResult } from '../files/result-file.js';
import type { Find } from '../select/finds.js';
import { type Column, linesOf, type TableFormat, writeParquet } from '../select/table.js';

export interface OutputOptions {
  format?: TableFormat;
  out?: string;
  csv?: string;
}

/** Where a list goes. */
export interface Output {
  format: TableFormat;
  /** Undefined: standard output. */
  file: string | undefined;
}

/** @throws usage, report_unwritable */
export async function outputOf({ format = 'csv', out, csv }: OutputOptions): Promise<Output> {
  if (csv !== undefined && (out !== undefined || format !== 'csv'))
    throw createError('usage', { problem: '--csv is --format csv with --out: leave it out' });
  const file = out ?? csv;
  if (format === 'parquet' && file === undefined)
    throw createError('usage', { problem: '--format parquet needs --out: name a new file' });
  if (file !== undefined) await requireNewFile(file);
  return { format, file };
}

/**
 * Writes the list as it is found.
 * @param beforeLine called before each line on standard output
 * @throws report_unwritable, and what `rows` throws
 */
export async function writeList(
  { format, file }: Output,
  columns: readonly Column<Find>[],
  rows: AsyncIterable<Find>,
  beforeLine: () => void,
): Promise<void> {
  if (file !== undefined)
    return writeResult(file, async (part) => {
      const handle = await open(part, 'w', ownerOnly.mode);
      try {
        if (format === 'parquet') await writeParquet(part, columns, rows);
        else for await (const line of linesOf(format, columns, rows)) await handle.write(`${line}\n`);
      } finally {
        await handle.close();
      }
    });
  if (format === 'parquet') return;
  for await (const line of linesOf(format, columns, rows)) {
    beforeLine();
    console.log(line);
  }
}
