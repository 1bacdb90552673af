/**
 * One error that Plainview can report, whole. Its key in the catalogue is its code. A code is in logs, metrics,
 * metadata and API answers, so it is never renamed.
 */
export interface ErrorEntry {
  /**
   * The sentence for the user: what is wrong, then what to do. It must not contain DICOM values other than ids and
   * technical attributes (rows, columns, modality), because logs and metadata keep it.
   */
  readonly message: (p: never) => string;
  /** The cause may disappear by itself (Orthanc is away, a time-out). Only such errors are tried again. */
  readonly transient: boolean;
  /** HTTP status of the service's answer. An error that only the command line or the start can meet has 500. */
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 422 | 429 | 500 | 503;
  /** Exit status of the command line. 1: it failed; 2: the command line, the configuration or a named file is wrong. */
  readonly exit: 1 | 2;
  /** For `docs/errors.md`: what the error means, where the sentence does not say it. */
  readonly meaning?: string;
  /** For `docs/errors.md`: what to do, where the sentence does not say it. */
  readonly remedy?: string;
}

/** The errors of one room, by code. */
export type ErrorEntries = Readonly<Record<string, ErrorEntry>>;
