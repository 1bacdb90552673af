import { stringify } from 'csv-stringify/sync';

type Value = string | number | undefined;

/**
 * One line of CSV (RFC 4180), without line break. A value that contains any line break is quoted. A text that a
 * spreadsheet would compute (`= + - @` first, say from a sender's UID) gets a `'` in front; numbers do not.
 */
export const csvLine = (values: readonly Value[]): string =>
  stringify([values], { eof: false, escape_formulas: true, quoted_match: /[\r\n]/ });

/**
 * One line of text/tab-separated-values, without line break. The format has no quotes and allows no tab in a value: a tab
 * or line break becomes a space. A text that a spreadsheet would compute gets a `'` in front, as in CSV.
 */
export const tsvLine = (values: readonly Value[]): string =>
  values
    .map((value) => {
      const text = String(value ?? '').replace(/[\t\r\n\u0085\u2028\u2029]+/g, ' ');
      return typeof value === 'string' && /^[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]/.test(text) ? `'${text}` : text;
    })
    .join('\t');
