import { stringify } from 'csv-stringify/sync';

type Value = string | number | undefined;

/**
 * One line of CSV (RFC 4180), without line break. A value that contains any line break is quoted. A text that a
 * spreadsheet would compute (`= + - @` first, say from a sender's UID) gets a `'` in front; numbers do not.
 */
export const csvLine = (values: readonly Value[]): string =>
  stringify([values], { eof: false, escape_formulas: true, quoted_match: /[\r\n]/ });
