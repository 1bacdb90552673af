import { stringify } from 'csv-stringify/sync';

type Value = string | number | undefined;

/** One line of CSV (RFC 4180), without line break. A value that contains any line break is quoted. */
export const csvLine = (values: readonly Value[]): string =>
  stringify([values], { eof: false, quoted_match: /[\r\n]/ });
