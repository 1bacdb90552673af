import type { ErrorEntries } from './entry.js';

/** Calls that every Orthanc answers. */
const known = /^\w+ \/(system|changes|peers|modalities|tools\/(find|lookup|bulk-content))(\?|$)/;

const attributeText = (p: { attribute: string; value: number | string }) =>
  Number.isNaN(p.value) ? `a value of ${p.attribute} that is no number` : `${p.attribute} ${p.value}`;

/** What can go wrong between Plainview and Orthanc. */
export const orthancErrors = {
  orthanc_unreachable: {
    message: (p: { url: string; why: string }) =>
      `Orthanc at ${p.url} does not answer (${p.why}). Check that it runs and that PLAINVIEW_ORTHANC_URL is right.`,
    transient: true,
    status: 503,
    exit: 1,
    meaning:
      'Nothing listens at this address, the connection broke, or a gateway before Orthanc answered for it (HTTP 502, 503, 504). The service waits until Orthanc answers again; it loses nothing.',
  },
  orthanc_toppled: {
    message: (p: { times: number }) =>
      `Orthanc stopped, or did not answer, each of the ${p.times} times that Plainview worked on this instance, so Plainview does not ask Orthanc for its file again. Look for the cause in Orthanc's log.`,
    transient: false,
    status: 503,
    exit: 1,
    meaning:
      'Probably this file makes Orthanc crash, or keeps it busy for minutes. The instance is labelled `classification_failed`.',
    remedy:
      'When the cause is mended: remove the files that name the instance from the folder `suspects` in the state folder, and ask for reclassification. With a database, remove these rows of `plainview.documents`.',
  },
  orthanc_timeout: {
    message: (p: { what: string; ms: number }) =>
      `Orthanc did not answer ${p.what} within ${p.ms} ms. If Orthanc is only slow, raise PLAINVIEW_ORTHANC_TIMEOUT_MS.`,
    transient: true,
    status: 503,
    exit: 1,
  },
  orthanc_refused: {
    message: (p: { what: string; status: number }) =>
      `Orthanc refused ${p.what} (HTTP ${p.status}). Check PLAINVIEW_ORTHANC_USERNAME, its password, and the permissions of that user.`,
    // The instance is not the cause, and an administrator removes it. Meanwhile the instances wait.
    transient: true,
    status: 503,
    exit: 1,
  },
  orthanc_failed: {
    message: (p: { what: string; status: number }) =>
      `Orthanc failed at ${p.what} (HTTP ${p.status}). Look for the cause in Orthanc's log.`,
    transient: true,
    status: 503,
    exit: 1,
  },
  orthanc_too_old: {
    message: (p: { needs: string }) => `This needs Orthanc ${p.needs} or newer. Upgrade Orthanc.`,
    transient: false,
    status: 503,
    exit: 1,
  },
  attribute_unknown: {
    message: (p: { attribute: string }) =>
      `Orthanc knows no DICOM attribute ${p.attribute}. Name attributes by their keywords, for example StationName.`,
    transient: false,
    status: 400,
    exit: 2,
  },
  orthanc_absent: {
    message: (p: { what: string }) =>
      known.test(p.what)
        ? `The server that answers ${p.what} with HTTP 404 is not an Orthanc. Check PLAINVIEW_ORTHANC_URL and its path.`
        : `Orthanc does not have what ${p.what} names (HTTP 404).`,
    // Something was deleted during a job: the next attempt sees what is left.
    transient: true,
    status: 404,
    exit: 1,
    meaning:
      'The resource was deleted meanwhile. Where even a call that every Orthanc answers gives HTTP 404, the sentence says instead that the server is not an Orthanc.',
    remedy: 'Nothing, if the resource was deleted on purpose. Else check PLAINVIEW_ORTHANC_URL and its path.',
  },
  orthanc_unsupported: {
    message: (p: { what: string }) =>
      `Orthanc does not support ${p.what} (HTTP 415). Check whether Orthanc has the plugin for this kind of data.`,
    transient: false,
    status: 422,
    exit: 1,
  },
  orthanc_unable: {
    message: (p: { what: string }) =>
      `Orthanc's database plugin does not support ${p.what}. Upgrade that plugin, or remove it to use SQLite.`,
    transient: false,
    status: 503,
    exit: 1,
  },
  orthanc_rejected: {
    message: (p: { what: string; status: number }) =>
      `Orthanc rejected ${p.what} (HTTP ${p.status}). Check that PLAINVIEW_ORTHANC_URL names an Orthanc of version 1.12.0 or newer.`,
    transient: false,
    status: 503,
    exit: 1,
  },
  orthanc_conflict: {
    message: (p: { what: string }) =>
      `Another client changed ${p.what} at the same moment. Try again: the next attempt reads it anew.`,
    transient: true,
    status: 409,
    exit: 1,
    remedy: 'Nothing where the service reports it: it tries again by itself.',
  },
  orthanc_garbage: {
    message: (p: { what: string; problem: string }) =>
      `Plainview cannot use the answer to ${p.what}: ${p.problem}. Check whether a proxy or another server answers at PLAINVIEW_ORTHANC_URL.`,
    transient: true,
    status: 503,
    exit: 1,
    meaning: "The answer is cut off, is not JSON, or does not have the form of Orthanc's answers.",
  },
  orthanc_too_long: {
    message: (p: { what: string }) =>
      `Orthanc's answer to ${p.what} is longer than Plainview reads. If it is a picture, raise PLAINVIEW_MAX_MEGAPIXELS.`,
    transient: false,
    status: 503,
    exit: 1,
    meaning:
      'The limit is three bytes for each pixel of PLAINVIEW_MAX_MEGAPIXELS. Metadata that other programs wrote can be longer.',
    remedy: 'Remove such metadata, or raise PLAINVIEW_MAX_MEGAPIXELS if there is memory for it.',
  },
  orthanc_job_failed: {
    message: (p: { what: string; why: string }) =>
      `Orthanc could not make ${p.what} (${p.why}). Check that its disk has room, and look for the cause in its log.`,
    transient: false,
    status: 503,
    exit: 1,
  },
  orthanc_not_ready: {
    message: (p: { missing: string[] }) => `This Orthanc lacks what Plainview needs: ${p.missing.join(' ')}`,
    transient: false,
    status: 503,
    exit: 1,
    remedy:
      'The sentence ends with the line of the configuration that is missing. Add it and restart Orthanc.',
  },
  orthanc_configuration: {
    message: (p: { file: string; problem: string }) =>
      `Orthanc's configuration in ${p.file} cannot be read (${p.problem}). Correct it, or name another place with --orthanc-configuration.`,
    transient: false,
    status: 500,
    exit: 2,
  },
  tags_not_written: {
    message: (p: { why: string }) => `Plainview did not change the DICOM file: ${p.why}.`,
    transient: false,
    status: 422,
    exit: 1,
    meaning:
      'PLAINVIEW_TAGS is on, but this file could not be replaced without losing something. The file is as it was; the decision is recorded all the same.',
    remedy: 'See [dicom-tags.md](dicom-tags.md).',
  },
  report_not_kept: {
    message: (p: { why: string }) => `Plainview did not keep the structured report: ${p.why}.`,
    transient: false,
    status: 422,
    exit: 1,
    meaning:
      'PLAINVIEW_REPORT is on, but in Orthanc the report of this instance did not have the patient and the study of the picture, byte by byte. Plainview deleted it. The decision is recorded all the same.',
    remedy:
      'Look for a script or a plugin of Orthanc that changes what it receives. The report is made again with the next decision.',
  },
  instance_gone: {
    message: (p: { instance: string }) =>
      `Instance ${p.instance} is no longer in Orthanc. There is nothing left to do.`,
    transient: false,
    status: 404,
    exit: 1,
  },
  header_impossible: {
    message: (p: { attribute: string; value: number | string }) =>
      `The picture has ${attributeText(p)}, which no radiograph can have, so Plainview does not ask Orthanc for it. Check the modality or program that wrote the file.`,
    transient: false,
    status: 422,
    exit: 1,
    meaning: 'Such a header makes some decoders crash, and Orthanc with them.',
  },
  instance_not_renderable: {
    message: (p: { why: string }) =>
      `Orthanc cannot render this instance (${p.why}). Check that its pixel data is complete and that Orthanc has the plugin for its compression (JPEG 2000: gdcm).`,
    transient: false,
    status: 422,
    exit: 1,
  },
} satisfies ErrorEntries;
