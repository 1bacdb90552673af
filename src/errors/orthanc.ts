import type { Entries } from './entries.js';

/** Calls that every Orthanc answers. */
const known = /^\w+ \/(system|changes|peers|modalities|tools\/(find|lookup|bulk-content))(\?|$)/;

/** What can go wrong between Plainview and Orthanc. */
export const orthancErrors = {
  orthanc_unreachable: {
    transient: true,
    message: (p: { url: string; why: string }) =>
      `Orthanc at ${p.url} does not answer (${p.why}). Is it running, and is PLAINVIEW_ORTHANC_URL right?`,
  },
  orthanc_toppled: {
    transient: false,
    message: (p: { times: number }) =>
      `Orthanc went away each of the ${p.times} times that this was looked at, so it is left alone; Orthanc's own log may say why. A request for reclassification has it tried again.`,
  },
  orthanc_timeout: {
    transient: true,
    message: (p: { what: string; ms: number }) =>
      `Orthanc did not answer ${p.what} within ${p.ms} ms. If it is merely slow, raise PLAINVIEW_ORTHANC_TIMEOUT_MS.`,
  },
  orthanc_refused: {
    // Not the instance's fault, and mended by an administrator: its instances wait meanwhile.
    transient: true,
    message: (p: { what: string; status: number }) =>
      `Orthanc refused ${p.what} (HTTP ${p.status}). Check PLAINVIEW_ORTHANC_USERNAME and its password, and what that user may do.`,
  },
  orthanc_failed: {
    transient: true,
    message: (p: { what: string; status: number }) =>
      `Orthanc failed at ${p.what} (HTTP ${p.status}); its own log says why.`,
  },
  orthanc_too_old: {
    transient: false,
    message: (p: { needs: string }) => `This needs Orthanc ${p.needs} or newer: upgrade Orthanc.`,
  },
  attribute_unknown: {
    transient: false,
    message: (p: { attribute: string }) =>
      `Orthanc knows no DICOM attribute ${p.attribute}: attributes are named by their keywords (StationName).`,
  },
  orthanc_absent: {
    // Something deleted in the middle of a job: the next try sees what is left.
    transient: true,
    message: (p: { what: string }) =>
      known.test(p.what)
        ? `What answers ${p.what} with HTTP 404 is no Orthanc. Is PLAINVIEW_ORTHANC_URL right, with its path?`
        : `Orthanc knows nothing of ${p.what} (HTTP 404).`,
  },
  orthanc_unsupported: {
    transient: false,
    message: (p: { what: string }) => `Orthanc cannot do ${p.what} (HTTP 415).`,
  },
  orthanc_unable: {
    transient: false,
    message: (p: { what: string }) =>
      `Orthanc's database plugin cannot do ${p.what}: upgrade that plugin, or remove it to use SQLite.`,
  },
  orthanc_rejected: {
    transient: false,
    message: (p: { what: string; status: number }) =>
      `Orthanc rejected ${p.what} (HTTP ${p.status}). Is something other than Orthanc ≥ 1.12.0 at PLAINVIEW_ORTHANC_URL?`,
  },
  orthanc_conflict: {
    transient: true,
    message: (p: { what: string }) => `Somebody else changed ${p.what} at the same moment; it is read again.`,
  },
  orthanc_garbage: {
    transient: true,
    message: (p: { what: string; problem: string }) =>
      `The answer to ${p.what} is not what Orthanc would say: ${p.problem}. Is a proxy or another server in between, or at PLAINVIEW_ORTHANC_URL?`,
  },
  orthanc_job_failed: {
    transient: false,
    message: (p: { what: string; why: string }) =>
      `Orthanc could not make ${p.what} (${p.why}). Is there room on its disk? Its own log says more.`,
  },
  orthanc_not_ready: {
    transient: false,
    message: (p: { missing: string[] }) => `This Orthanc lacks what Plainview needs: ${p.missing.join(' ')}`,
  },
  tags_not_written: {
    transient: false,
    message: (p: { why: string }) => `The DICOM file was left as it was: ${p.why}.`,
  },
  instance_gone: {
    transient: false,
    message: (p: { instance: string }) =>
      `Instance ${p.instance} is no longer in Orthanc; nothing is left to do.`,
  },
  instance_not_renderable: {
    transient: false,
    message: (p: { why: string }) =>
      `Orthanc cannot render this instance (${p.why}): truncated pixels, or a compression for which Orthanc needs a plugin (JPEG 2000: gdcm).`,
  },
} satisfies Entries;
