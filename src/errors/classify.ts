import type { Entries } from './entries.js';

/** Pictures, networks and engines, and where networks are fetched from. */
export const classifyErrors = {
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
  class_unknown: {
    passing: false,
    say: (p: { name: string; network: string }) => `The network ${p.network} has no class "${p.name}".`,
  },
  explanation_unavailable: {
    passing: false,
    say: (p: { problem: string }) =>
      `This network cannot show which parts of a picture speak for a category: ${p.problem}.`,
  },
  classifier_crashed: {
    passing: true,
    say: (p: { why: string }) => `The thread that was classifying the picture has crashed: ${p.why}.`,
  },
  classifier_hung: {
    passing: false,
    say: (p: { seconds: number }) =>
      `The picture was not classified within ${p.seconds} s; it was given up, and the thread that hung at it replaced.`,
  },
  classifier_closed: {
    passing: true,
    say: (_: object) => 'The classifier is closed, as the program is ending.',
  },
} satisfies Entries;
