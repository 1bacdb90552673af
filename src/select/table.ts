import { csvLine, tsvLine } from '../files/csv.js';

export const tableFormats = ['csv', 'tsv', 'jsonl', 'parquet'] as const;
export type TableFormat = (typeof tableFormats)[number];

export interface Column<T> {
  name: string;
  type: 'DOUBLE' | 'STRING';
  value: (row: T) => string | number | undefined;
}

/** Lines without line breaks: the head, where the format has one, and one for each row. */
export async function* linesOf<T>(
  format: Exclude<TableFormat, 'parquet'>,
  columns: readonly Column<T>[],
  rows: AsyncIterable<T>,
): AsyncGenerator<string> {
  const names = columns.map(({ name }) => name);
  const line = { csv: csvLine, tsv: tsvLine, jsonl: undefined }[format];
  if (line !== undefined) yield line(names);
  for await (const row of rows) {
    const values = columns.map(({ value }) => value(row));
    yield line?.(values) ?? JSON.stringify(Object.fromEntries(names.map((name, i) => [name, values[i]])));
  }
}

/** Of a Parquet file that are in memory at a time. */
const rowsAtATime = 10_000;

/** Writes an Apache Parquet file, compressed with Snappy. Values that are missing are null. */
export async function writeParquet<T>(
  path: string,
  columns: readonly Column<T>[],
  rows: AsyncIterable<T>,
): Promise<void> {
  const { fileWriter, parquetWriteRows } = await import('hyparquet-writer');
  await parquetWriteRows({
    // It writes into the file that is there, and so keeps its mode.
    writer: fileWriter(path),
    columns: columns.map(({ name, type }) => ({ name, type, nullable: true })),
    rows: records(columns, rows),
    rowGroupSize: rowsAtATime,
  });
}

async function* records<T>(
  columns: readonly Column<T>[],
  rows: AsyncIterable<T>,
): AsyncGenerator<Record<string, string | number | undefined>> {
  for await (const row of rows)
    yield Object.fromEntries(columns.map(({ name, value }) => [name, value(row)]));
}
