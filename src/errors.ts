/**
 * Every error that Plainview can report, in one place.
 *
 * An entry's name is its code: it stands in logs, metrics, metadata and exit messages, so it is never renamed.
 * `say` is a sentence that tells the reader what is wrong and what to do. It must never contain DICOM values
 * other than ids and technical attributes (rows, columns, modality): a patient's name would end in a log.
 * `passing` marks what may mend itself (Orthanc away, a time-out); only such errors are tried again.
 */
const catalogue = {
  config_invalid: {
    passing: false,
    say: (p: { problems: string[] }) => `The configuration cannot be used: ${p.problems.join('; ')}.`,
  },
  orthanc_unreachable: {
    passing: true,
    say: (p: { url: string; why: string }) =>
      `Orthanc at ${p.url} does not answer (${p.why}). Is it running, and is PLAINVIEW_ORTHANC_URL right?`,
  },
  orthanc_timeout: {
    passing: true,
    say: (p: { what: string; ms: number }) =>
      `Orthanc did not answer ${p.what} within ${p.ms} ms. If it is merely slow, raise PLAINVIEW_ORTHANC_TIMEOUT_MS.`,
  },
  orthanc_refused: {
    // Not the instance's fault, and mended by an administrator: its instances wait meanwhile.
    passing: true,
    say: (p: { what: string; status: number }) =>
      `Orthanc refused ${p.what} (HTTP ${p.status}). Check PLAINVIEW_ORTHANC_USERNAME and its password, and what that user may do.`,
  },
  orthanc_failed: {
    passing: true,
    say: (p: { what: string; status: number }) =>
      `Orthanc failed at ${p.what} (HTTP ${p.status}); its own log says why.`,
  },
  orthanc_absent: {
    // Something deleted in the middle of a job: the next try sees what is left.
    passing: true,
    say: (p: { what: string }) => `Orthanc knows nothing of ${p.what} (HTTP 404).`,
  },
  orthanc_unsupported: {
    passing: false,
    say: (p: { what: string }) => `Orthanc cannot do ${p.what} (HTTP 415).`,
  },
  orthanc_rejected: {
    passing: false,
    say: (p: { what: string; status: number }) =>
      `Orthanc rejected ${p.what} (HTTP ${p.status}). Is something other than Orthanc ≥ 1.12.0 at this address?`,
  },
  orthanc_conflict: {
    passing: true,
    say: (p: { what: string }) => `Somebody else changed ${p.what} at the same moment; it is read again.`,
  },
  orthanc_garbage: {
    passing: true,
    say: (p: { what: string; problem: string }) =>
      `The answer to ${p.what} is not what Orthanc would say: ${p.problem}. Is a proxy or another server in between?`,
  },
  orthanc_not_ready: {
    passing: false,
    say: (p: { missing: string[] }) => `This Orthanc lacks what Plainview needs: ${p.missing.join(' ')}`,
  },
  instance_gone: {
    passing: false,
    say: (p: { instance: string }) =>
      `Instance ${p.instance} is no longer in Orthanc; nothing is left to do.`,
  },
  instance_not_renderable: {
    passing: false,
    say: (p: { why: string }) =>
      `Orthanc cannot render this instance (${p.why}): truncated pixels, or a compression for which Orthanc needs a plugin (JPEG 2000: gdcm).`,
  },
  picture_too_large: {
    passing: false,
    say: (p: { rows: number; columns: number; limit: number }) =>
      `The picture has ${p.rows} × ${p.columns} pixels, more than the ${p.limit} megapixels allowed. Raise PLAINVIEW_MAX_MEGAPIXELS if this is intended.`,
  },
  picture_undecodable: {
    passing: false,
    say: (p: { problem: string }) => `The picture cannot be decoded: ${p.problem}.`,
  },
  file_unreadable: {
    passing: false,
    say: (p: { problem: string }) => `The file cannot be read: ${p.problem}.`,
  },
  dicom_needs_server: {
    passing: false,
    say: (_: object) =>
      "This is a DICOM file, and rendering it is a server's work: store it in an Orthanc and let `plainview serve` classify it there, or give a PNG or JPEG.",
  },
  labels_invalid: {
    passing: false,
    say: (p: { file: string; where: string; problem: string }) => `${p.file}, ${p.where}: ${p.problem}.`,
  },
  nothing_to_evaluate: {
    passing: false,
    say: (p: { problem: string }) => `There is nothing to evaluate: ${p.problem}.`,
  },
  report_unwritable: {
    passing: false,
    say: (p: { problem: string }) =>
      `The report cannot be written: ${p.problem}. Nothing has been evaluated or written.`,
  },
  download_interrupted: {
    passing: true,
    say: (p: { from: string; problem: string }) =>
      `Fetching ${p.from} broke off (${p.problem}). Run the command again: it goes on where it stopped.`,
  },
  download_failed: {
    passing: false,
    say: (p: { from: string; problem: string }) =>
      `${p.from} cannot be fetched (${p.problem}). Where the internet cannot be reached, carry the file here and name it with --from.`,
  },
  download_wrong: {
    passing: false,
    say: (p: { from: string; found: string; wanted: string }) =>
      `${p.from} holds something else than NNCPR's network (git hash ${p.found}, not ${p.wanted}): perhaps a proxy's page, or a changed file. Nothing was kept.`,
  },
  network_unreadable: {
    passing: false,
    say: (p: { problem: string }) => `The network cannot be read: ${p.problem}.`,
  },
  network_layer: {
    passing: false,
    say: (p: { layer: string; problem: string }) =>
      `The network cannot be used from or to layer "${p.layer}": ${p.problem}. Name its layers with --input_layer and --output_layer.`,
  },
  network_unsupported: {
    passing: false,
    say: (p: { node: string; op: string; problem: string }) =>
      `The network is not of the MobileNet v1 family: node "${p.node}" (${p.op}): ${p.problem}.`,
  },
  network_mismatch: {
    passing: false,
    say: (p: { problem: string }) => `The network's files do not belong together: ${p.problem}.`,
  },
  engine_unavailable: {
    passing: false,
    say: (p: { engine: string; why: string }) => `The engine ${p.engine} cannot run here: ${p.why}.`,
  },
  engine_wrong: {
    passing: false,
    say: (p: { engine: string; device: string; problem: string }) =>
      `The engine ${p.engine} (${p.device}) fails its self-test: ${p.problem}.`,
  },
  no_engine: {
    passing: false,
    say: (p: { reasons: string[] }) => `No engine can run here: ${p.reasons.join('; ')}`,
  },
  classifier_crashed: {
    passing: true,
    say: (p: { why: string }) => `The thread that was classifying the picture has crashed: ${p.why}.`,
  },
  classifier_closed: {
    passing: true,
    say: (_: object) => 'The classifier is closed, as the program is ending.',
  },
  unauthorised: {
    passing: false,
    say: (_: object) =>
      'Who are you? A token is needed that PLAINVIEW_TOKENS_FILE declares, or the secret: PLAINVIEW_SECRET must be the same for Plainview and for Orthanc.',
  },
  forbidden: {
    passing: false,
    say: (p: { role: string }) => `This needs the role ${p.role}; ask whoever runs Plainview here.`,
  },
  other_site: {
    passing: false,
    say: (_: object) => 'A page of another site asked for this; it is refused.',
  },
  not_json: {
    passing: false,
    say: (_: object) => 'What changes something must be sent as application/json.',
  },
  too_many_requests: {
    passing: true,
    say: (_: object) =>
      'Too many requests in a minute: wait for one. PLAINVIEW_API_RATE sets how many are allowed.',
  },
  method_unknown: {
    passing: false,
    say: (p: { methods: string[] }) => `Only ${p.methods.join(', ')} can be done here.`,
  },
  request_unknown: {
    passing: false,
    say: (_: object) =>
      'No such request is remembered; what it asked for stands in the metadata of its instances.',
  },
  request_malformed: {
    passing: false,
    say: (p: { problem: string }) => `The request cannot be understood: ${p.problem}.`,
  },
  request_too_large: {
    passing: false,
    say: (p: { limit: string }) => `The request is larger than the ${p.limit} allowed.`,
  },
  route_unknown: {
    passing: false,
    say: (_: object) => 'There is nothing at this address; the README lists what there is.',
  },
  sandbox_unavailable: {
    passing: false,
    say: (p: { why: string }) =>
      `No Orthanc can be brought up on this machine: ${p.why}. Start a Docker engine, or set PLAINVIEW_ORTHANC_URL to an Orthanc that runs.`,
  },
  sandbox_port_taken: {
    passing: false,
    say: (p: { port: number }) =>
      `Port ${p.port} of this machine is taken, perhaps by an Orthanc that runs already; name another one.`,
  },
  sandbox_not_started: {
    passing: false,
    say: (p: { why: string; log: string }) =>
      `The sandbox's Orthanc did not start (${p.why}); its log is ${p.log}.`,
  },
  internal: {
    passing: true,
    say: (_: object) => "This is Plainview's own fault; its log holds the cause. Please report it.",
  },
  cannot_listen: {
    passing: false,
    say: (p: { host: string; port: number; why: string }) =>
      `Cannot listen on ${p.host}:${p.port} (${p.why}). Choose another PLAINVIEW_HOST or PLAINVIEW_PORT.`,
  },
  state_unusable: {
    passing: true,
    say: (p: { folder: string; why: string }) =>
      `Plainview cannot keep its place in ${p.folder} (${p.why}). Make it writable, or set PLAINVIEW_STATE_DIR.`,
  },
  service_unreachable: {
    passing: true,
    say: (p: { url: string; why: string }) =>
      `The service at ${p.url} does not do that (${p.why}). Is it running, and is PLAINVIEW_SECRET the same here?`,
  },
  usage: {
    passing: false,
    say: (p: { problem: string }) => `Wrongly called: ${p.problem} (see --help).`,
  },
  demo_unreadable: {
    passing: false,
    say: (p: { file: string; why: string }) => `${p.file} cannot be read: ${p.why}.`,
  },
  demo_not_stored: {
    passing: false,
    say: (p: { file: string; status: number }) =>
      `Orthanc does not take ${p.file} (HTTP ${p.status}): the demo needs DICOM, PNG or JPEG files.`,
  },
} satisfies Record<string, { passing: boolean; say: (p: never) => string }>;

type Catalogue = typeof catalogue;
export type ErrorCode = keyof Catalogue;

export class PlainviewError extends Error {
  override readonly name = 'PlainviewError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    /** May mend itself: worth another try. */
    readonly passing: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Builds an error of the catalogue. `cause` is what was caught, kept for the log. */
export function fail<C extends ErrorCode>(
  code: C,
  params: Parameters<Catalogue[C]['say']>[0],
  cause?: unknown,
): PlainviewError {
  const entry = catalogue[code];
  // Each entry's `say` takes its own parameters, which the signature above has tied to `code`.
  const say = entry.say as (p: typeof params) => string;
  return new PlainviewError(code, say(params), entry.passing, cause === undefined ? undefined : { cause });
}

/** Orthanc as a whole is away or refuses us, whatever was asked: no instance is to blame. */
export const isAway = (error: PlainviewError): boolean =>
  error.code === 'orthanc_unreachable' || error.code === 'orthanc_refused';

/** What was caught, as an error of the catalogue: anything foreign is a fault of ours. */
export const asPlainview = (caught: unknown): PlainviewError =>
  caught instanceof PlainviewError ? caught : fail('internal', {}, caught);
