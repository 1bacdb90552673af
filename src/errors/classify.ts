import type { ErrorEntries } from './entry.js';

/** Pictures, networks and engines, and the download of networks. */
export const classifyErrors = {
  picture_too_large: {
    message: (p: { rows: number; columns: number; limit: number }) =>
      `The picture has ${p.rows} × ${p.columns} pixels, more than the ${p.limit} megapixels allowed. To allow it, raise PLAINVIEW_MAX_MEGAPIXELS.`,
    transient: false,
    status: 422,
    exit: 1,
  },
  picture_uniform: {
    message: (_: object) =>
      'All pixels of the picture have the same value, so there is nothing to classify. Check the modality or program that made the picture.',
    transient: false,
    status: 422,
    exit: 1,
    meaning:
      'A window that shows nothing is not the cause: Plainview has tried one that is computed from the values.',
  },
  picture_undecodable: {
    message: (p: { problem: string }) => `The picture cannot be decoded: ${p.problem}.`,
    transient: false,
    status: 422,
    exit: 1,
    remedy: 'Check that the file is complete and is a PNG, JPEG, GIF or PAM file.',
  },
  file_unreadable: {
    message: (p: { problem: string }) => `The file cannot be read: ${p.problem}.`,
    transient: false,
    status: 500,
    exit: 2,
    remedy: 'Check its path and its permissions.',
  },
  dicom_needs_server: {
    message: (p: { why: string }) =>
      `Only an Orthanc can render this DICOM file: ${p.why}. Store it in an Orthanc and let \`plainview serve\` classify it there, or give a PNG or JPEG file.`,
    transient: false,
    status: 500,
    exit: 1,
  },
  download_interrupted: {
    message: (p: { from: string; problem: string }) =>
      `The download of ${p.from} stopped too early (${p.problem}). Run the command again: it continues where it stopped. On a machine without Internet, copy the file to it and name the file with --from.`,
    transient: true,
    status: 503,
    exit: 1,
  },
  download_failed: {
    message: (p: { from: string; problem: string }) =>
      `${p.from} cannot be downloaded (${p.problem}). On a machine without Internet, copy the file to it and name the file with --from.`,
    transient: false,
    status: 500,
    exit: 1,
  },
  download_wrong: {
    message: (p: { from: string; found: string; wanted: string }) =>
      `${p.from} is not NNCPR's network (git hash ${p.found}, not ${p.wanted}), so Plainview did not keep it. Check whether a proxy answered instead, or whether the file was changed.`,
    transient: false,
    status: 500,
    exit: 1,
  },
  network_unreadable: {
    message: (p: { problem: string }) => `The network cannot be read: ${p.problem}.`,
    transient: false,
    status: 500,
    exit: 2,
    meaning:
      'The network file, or the `.json` file beside it, is missing or damaged, or it is a file of another program.',
    remedy:
      'Check PLAINVIEW_NETWORK, `--network` or `--graph`, and the file that it names. If it is `upright.json`, `side.pb`, `mirrored.pb` or a `.json` beside them, install Plainview again; until then set PLAINVIEW_ORIENTATION and PLAINVIEW_SIDE to `off`.',
  },
  network_layer: {
    message: (p: { layer: string; problem: string }) =>
      `The network cannot be used with layer "${p.layer}": ${p.problem}. Name its layers with PLAINVIEW_INPUT_LAYER and PLAINVIEW_OUTPUT_LAYER, or with --input_layer and --output_layer.`,
    transient: false,
    status: 500,
    exit: 2,
  },
  network_unsupported: {
    message: (p: { node: string; op: string; problem: string }) =>
      `The network is not of the MobileNet v1 family: node "${p.node}" (${p.op}): ${p.problem}. Any other network runs as ONNX: docs/own-network.md.`,
    transient: false,
    status: 500,
    exit: 2,
    remedy:
      'Use a network of that family, as [its card](../model/README.md) says how to train one, or [convert it to ONNX](own-network.md).',
  },
  network_mismatch: {
    message: (p: { problem: string }) => `The network's files do not belong together: ${p.problem}.`,
    transient: false,
    status: 500,
    exit: 2,
    meaning:
      'The names of the categories, or the description, do not fit the graph; or the networks of a cascade do not fit each other.',
    remedy:
      'Check PLAINVIEW_LABELS, `--labels`, or `classes.txt` beside the graph; of an ONNX network, its [description](own-network.md).',
  },
  network_output: {
    message: (p: { problem: string }) => `The network gives no scores: ${p.problem}.`,
    transient: false,
    status: 500,
    exit: 1,
    meaning:
      'An ONNX network answered with NaN or infinity, or with other values than its description says, or its graph broke on this picture.',
    remedy:
      'Try it with `plainview model check`. Check `range`, `mean` and `std` of its description, and the program that exported it.',
  },
  engine_unavailable: {
    message: (p: { engine: string; why: string }) => `The engine ${p.engine} cannot run here: ${p.why}.`,
    transient: false,
    status: 500,
    exit: 1,
    remedy: 'Install what is missing, or choose another engine (PLAINVIEW_ENGINE, `--engine`).',
  },
  int8_unavailable: {
    message: (p: { why: string }) => `int8 (PLAINVIEW_PRECISION, --precision) cannot be used: ${p.why}.`,
    transient: false,
    status: 500,
    exit: 2,
    meaning: 'The engine that was chosen has no int8, or the network would lose accuracy by it.',
    remedy: 'Choose `float32`, or what the sentence names.',
  },
  engine_wrong: {
    message: (p: { engine: string; device: string; problem: string }) =>
      `The engine ${p.engine} (${p.device}) failed its self-test: ${p.problem}.`,
    transient: false,
    status: 500,
    exit: 1,
    meaning: 'The engine computes other scores than the network must give, so Plainview does not use it.',
    remedy:
      'Choose another engine (PLAINVIEW_ENGINE, `--engine`), and check the driver of the GPU. Where PLAINVIEW_PRECISION (`--precision`) is `int8`, choose `float32`.',
  },
  no_engine: {
    message: (p: { reasons: string[] }) => `No engine can run here: ${p.reasons.join('; ')}`,
    transient: false,
    status: 500,
    exit: 1,
    remedy: 'Remove one of the causes that the sentence names.',
  },
  class_unknown: {
    message: (p: { name: string; network: string }) => `The network ${p.network} has no class "${p.name}".`,
    transient: false,
    status: 400,
    exit: 1,
    remedy: '`plainview model info` lists the classes.',
  },
  explanation_unavailable: {
    message: (p: { problem: string }) =>
      `This network cannot show which parts of a picture support a category: ${p.problem}.`,
    transient: false,
    status: 422,
    exit: 1,
    meaning:
      'The network has no class activation map, so parts of the picture would be hidden one after the other, and it is too slow for that.',
  },
  classifier_crashed: {
    message: (p: { why: string }) =>
      `The process that classified the picture ended (${p.why}), and so did another one that tried again, so Plainview gave the picture up.`,
    // The same picture would end the next process too.
    transient: false,
    status: 500,
    exit: 1,
    meaning:
      'Probably the picture crashes a library, or takes more memory than the limit (SIGABRT) or the machine (SIGKILL) has. Only this picture is concerned.',
    remedy:
      'If the machine lacked memory, add some and ask for reclassification. Else report the kind of picture.',
  },
  classifier_unstartable: {
    message: (p: { why: string }) =>
      `A process that classifies could not be started, or ended before it was ready (${p.why}). Pictures are tried again later.`,
    transient: true,
    status: 503,
    exit: 1,
    meaning: 'This says nothing about the pictures that waited for it.',
    remedy:
      'Probably this machine, or the limit of the service, has not enough memory, processes or open files: give it more.',
  },
  classifier_hung: {
    message: (p: { seconds: number }) =>
      `The picture was not classified within ${p.seconds} s, so Plainview gave it up and replaced the process. If the machine was only overloaded, ask for reclassification.`,
    // The same picture would stop the next process too.
    transient: false,
    status: 500,
    exit: 1,
  },
  shadow_slow: {
    message: (p: { seconds: number }) =>
      `The shadow network did not answer within ${p.seconds} s, so Plainview gave its answer up. The decision does not depend on it.`,
    transient: false,
    status: 500,
    exit: 1,
    remedy: 'If the machine is not overloaded, choose a smaller PLAINVIEW_SHADOW_NETWORK.',
  },
  shadow_ended: {
    message: (p: { why: string }) =>
      `The process of the shadow network ended (${p.why}), so there is no answer of it to this picture. The decision does not depend on it.`,
    transient: false,
    status: 500,
    exit: 1,
    remedy: 'Nothing, if it is rare. Else check that the machine has enough memory for a second network.',
  },
  shadow_stopped: {
    message: (p: { times: number }) =>
      `The shadow network ended its process ${p.times} times, so Plainview does not ask it any more. Choose another PLAINVIEW_SHADOW_NETWORK, or restart Plainview to try again.`,
    transient: false,
    status: 500,
    exit: 1,
  },
  network_unknown: {
    message: (p: { name: string; known: string[] }) =>
      `There is no network ${p.name} here. There is ${p.known.join(', ')}.`,
    transient: false,
    status: 409,
    exit: 1,
    remedy:
      '`plainview network list` lists the networks. Others are folders in `networks` in the state folder.',
  },
  network_refused: {
    message: (p: { name: string; why: string }) =>
      `The network ${p.name} cannot be used here, so nothing was changed: ${p.why}`,
    transient: false,
    status: 422,
    exit: 1,
    remedy: 'Do what the quoted sentence says, or use another network.',
  },
  network_first: {
    message: (_: object) =>
      'There is no network to go back to: none was chosen since PLAINVIEW_NETWORK decides. To choose one: plainview network use.',
    transient: false,
    status: 409,
    exit: 1,
  },
  network_shared: {
    message: (_: object) =>
      'Several services can share this archive, and all must use the same network, so it cannot be switched here. Set PLAINVIEW_NETWORK to it for all of them, and restart them.',
    transient: false,
    status: 409,
    exit: 1,
    meaning:
      'PLAINVIEW_DATABASE_URL is set. [scaling.md](scaling.md) says how services are restarted one after the other.',
  },
  network_lost: {
    message: (p: { name: string; place: string; why: string }) =>
      `The network ${p.name}, which was chosen by \`plainview network use\`, cannot be used: ${p.why} Put it back. Or delete ${p.place}: then PLAINVIEW_NETWORK decides.`,
    transient: false,
    status: 500,
    exit: 2,
  },
  classifier_closed: {
    message: (_: object) =>
      'The classifier is closed because Plainview stops. Try again after its next start.',
    transient: true,
    status: 503,
    exit: 1,
  },
} satisfies ErrorEntries;
