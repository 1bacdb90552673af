/**
 * Entries of the catalogue of errors, by code. A code stands in logs, metrics, metadata and exit messages, so it is
 * never renamed.
 * `message` is a sentence that tells the reader what is wrong and what to do. It must never contain DICOM values
 * other than ids and technical attributes (rows, columns, modality): a patient's name would end in a log.
 * `transient` marks what may mend itself (Orthanc away, a time-out); only such errors are tried again.
 */
export type Entries = Record<string, { transient: boolean; message: (p: never) => string }>;
