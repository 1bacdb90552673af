import type { Entries } from './entries.js';

/** Pictures, networks and engines, and where networks are fetched from. */
export const classifyErrors = {
  picture_too_large: {
    transient: false,
    message: (p: { rows: number; columns: number; limit: number }) =>
      `The picture has ${p.rows} × ${p.columns} pixels, more than the ${p.limit} megapixels allowed. Raise PLAINVIEW_MAX_MEGAPIXELS if this is intended.`,
  },
  picture_undecodable: {
    transient: false,
    message: (p: { problem: string }) => `The picture cannot be decoded: ${p.problem}.`,
  },
  file_unreadable: {
    transient: false,
    message: (p: { problem: string }) => `The file cannot be read: ${p.problem}.`,
  },
  dicom_needs_server: {
    transient: false,
    message: (_: object) =>
      "This is a DICOM file, and rendering it is a server's work: store it in an Orthanc and let `plainview serve` classify it there, or give a PNG or JPEG.",
  },
  download_interrupted: {
    transient: true,
    message: (p: { from: string; problem: string }) =>
      `Fetching ${p.from} broke off (${p.problem}). Run the command again: it goes on where it stopped.`,
  },
  download_failed: {
    transient: false,
    message: (p: { from: string; problem: string }) =>
      `${p.from} cannot be fetched (${p.problem}). Where the internet cannot be reached, carry the file here and name it with --from.`,
  },
  download_wrong: {
    transient: false,
    message: (p: { from: string; found: string; wanted: string }) =>
      `${p.from} holds something else than NNCPR's network (git hash ${p.found}, not ${p.wanted}): perhaps a proxy's page, or a changed file. Nothing was kept.`,
  },
  network_unreadable: {
    transient: false,
    message: (p: { problem: string }) => `The network cannot be read: ${p.problem}.`,
  },
  network_layer: {
    transient: false,
    message: (p: { layer: string; problem: string }) =>
      `The network cannot be used from or to layer "${p.layer}": ${p.problem}. Name its layers with --input_layer and --output_layer.`,
  },
  network_unsupported: {
    transient: false,
    message: (p: { node: string; op: string; problem: string }) =>
      `The network is not of the MobileNet v1 family: node "${p.node}" (${p.op}): ${p.problem}.`,
  },
  network_mismatch: {
    transient: false,
    message: (p: { problem: string }) => `The network's files do not belong together: ${p.problem}.`,
  },
  engine_unavailable: {
    transient: false,
    message: (p: { engine: string; why: string }) => `The engine ${p.engine} cannot run here: ${p.why}.`,
  },
  engine_wrong: {
    transient: false,
    message: (p: { engine: string; device: string; problem: string }) =>
      `The engine ${p.engine} (${p.device}) fails its self-test: ${p.problem}.`,
  },
  no_engine: {
    transient: false,
    message: (p: { reasons: string[] }) => `No engine can run here: ${p.reasons.join('; ')}`,
  },
  class_unknown: {
    transient: false,
    message: (p: { name: string; network: string }) => `The network ${p.network} has no class "${p.name}".`,
  },
  explanation_unavailable: {
    transient: false,
    message: (p: { problem: string }) =>
      `This network cannot show which parts of a picture speak for a category: ${p.problem}.`,
  },
  classifier_crashed: {
    transient: true,
    message: (p: { why: string }) => `The thread that was classifying the picture has crashed: ${p.why}.`,
  },
  classifier_hung: {
    transient: false,
    message: (p: { seconds: number }) =>
      `The picture was not classified within ${p.seconds} s; it was given up, and the thread that hung at it replaced.`,
  },
  classifier_closed: {
    transient: true,
    message: (_: object) => 'The classifier is closed, as the program is ending.',
  },
} satisfies Entries;
