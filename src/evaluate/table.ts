import { CsvError, parse } from 'csv-parse/sync';
import { createError } from '../errors/errors.js';

export interface Row {
  /** Line in the file, counted from 1. For a row of several lines, the last one. */
  readonly line: number;
  /** @throws labels_invalid where the field is empty */
  required(column: string): string;
  optional(column: string): string | undefined;
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

/**
 * Reads a table with a header. Fields are separated by tab, semicolon or comma: the first of these that is in the
 * header. Quotes are as in RFC 4180; where tabs separate, a quotation mark is a character as any other.
 * @param required columns that must exist
 * @throws labels_invalid, with line and column
 */
export function readTable(file: string, content: Buffer, required: readonly string[]): Table {
  const invalid = (where: string, problem: string, cause?: unknown) =>
    createError('labels_invalid', { file, where, problem }, cause);
  const [header, ...records] = recordsOf(content, invalid);
  if (header === undefined) throw invalid('line 1', 'the file is empty');
  const columns = header.fields;
  const repeated = columns.find((name, i) => columns.indexOf(name) !== i);
  if (repeated !== undefined) throw invalid(`line ${header.line}`, `the column "${repeated}" is there twice`);
  const missing = required.find((name) => !columns.includes(name));
  if (missing !== undefined)
    throw invalid(`line ${header.line}`, `there is no column "${missing}"; there are: ${columns.join(', ')}`);
  return {
    columns,
    rows: records.map(({ fields, line }) => {
      const optional = (column: string) => fields[columns.indexOf(column)] || undefined;
      const required = (column: string) => {
        const value = optional(column);
        if (value === undefined) throw invalid(locationOf(line, column), 'it is empty');
        return value;
      };
      return { line, optional, required };
    }),
  };
}

function recordsOf(
  content: Buffer,
  invalid: (where: string, problem: string, cause?: unknown) => Error,
): { fields: string[]; line: number }[] {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch (error) {
    throw invalid('line 1', 'the file is not UTF-8 text', error);
  }
  const [first = ''] = text.trimStart().split('\n', 1);
  const delimiter = ['\t', ';', ','].find((mark) => first.includes(mark)) ?? ',';
  const quote = delimiter === '\t' ? null : '"';
  try {
    // With `info`, each record has its line; the package's types leave that out.
    const parsed = parse(text, {
      delimiter,
      quote,
      info: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as {
      record: string[];
      info: { lines: number };
    }[];
    return parsed.map(({ record, info }) => ({ fields: record, line: info.lines }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { lines } = error as CsvError & { lines?: number };
    throw invalid(`line ${lines ?? 1}`, problemOf(error), error);
  }
}

/** Location in a table, for an error message. */
export const locationOf = (line: number, column: string): string => `line ${line}, column "${column}"`;

/** The parser's own messages are not used: they quote the field, which may contain anything. */
function problemOf({ code }: CsvError): string {
  switch (code) {
    case 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH':
      return 'it has more or fewer columns than the header';
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'a quotation mark before it is never closed';
    default:
      return `a quotation mark stands where none may be (${code})`;
  }
}
