import type { Entries } from './entries.js';

/** Starting, running and calling the program. */
export const runningErrors = {
  config_invalid: {
    transient: false,
    message: (p: { problems: string[] }) => `The configuration cannot be used: ${p.problems.join('; ')}.`,
  },
  labels_invalid: {
    transient: false,
    message: (p: { file: string; where: string; problem: string }) => `${p.file}, ${p.where}: ${p.problem}.`,
  },
  nothing_to_evaluate: {
    transient: false,
    message: (p: { problem: string }) => `There is nothing to evaluate: ${p.problem}.`,
  },
  report_unwritable: {
    transient: false,
    message: (p: { problem: string }) =>
      `The result cannot be written: ${p.problem}. Make room, or name another place for it.`,
  },
  interrupted: {
    transient: false,
    message: (p: { what: string }) => `Interrupted: ${p.what} was not made, and nothing of it is left.`,
  },
  sandbox_unavailable: {
    transient: false,
    message: (p: { why: string }) =>
      `No Orthanc can be brought up on this machine: ${p.why}. Start a Docker engine, or set PLAINVIEW_ORTHANC_URL to an Orthanc that runs.`,
  },
  sandbox_unwritable: {
    transient: false,
    message: (p: { folder: string; why: string }) =>
      `The sandbox cannot keep its files in ${p.folder} (${p.why}). Make that folder writable, or set PLAINVIEW_ORTHANC_URL to an Orthanc that runs.`,
  },
  sandbox_port_taken: {
    transient: false,
    message: (p: { port: number }) =>
      `Port ${p.port} of this machine is taken, perhaps by an Orthanc that runs already; name another one.`,
  },
  sandbox_not_started: {
    transient: false,
    message: (p: { why: string; log: string }) =>
      `The sandbox's Orthanc did not start (${p.why}); its log is ${p.log}.`,
  },
  internal: {
    transient: true,
    message: (_: object) => "This is Plainview's own fault; its log holds the cause. Please report it.",
  },
  cannot_listen: {
    transient: false,
    message: (p: { host: string; port: number; why: string }) =>
      `Cannot listen on ${p.host}:${p.port} (${p.why}). Choose another PLAINVIEW_HOST or PLAINVIEW_PORT.`,
  },
  state_unusable: {
    transient: true,
    message: (p: { folder: string; why: string }) =>
      `Plainview cannot keep its place in ${p.folder} (${p.why}). Make it writable, or set PLAINVIEW_STATE_DIR.`,
  },
  state_damaged: {
    transient: false,
    message: (p: { file: string }) =>
      `${p.file} is damaged, so nothing is done with its instance. Move it away and keep it: it may hold what Orthanc has lost.`,
  },
  temporary_unusable: {
    transient: false,
    message: (p: { folder: string; why: string }) =>
      `No temporary file can be made in ${p.folder} (${p.why}). Set TMPDIR to a folder that exists and is writable.`,
  },
  service_unreachable: {
    transient: true,
    message: (p: { url: string; why: string }) =>
      `The service at ${p.url} does not do that (${p.why}). Is it running, and is PLAINVIEW_SECRET the same here?`,
  },
  sweep_broke_off: {
    transient: true,
    message: (p: { why: string }) => `The sweep broke off: ${p.why} The next one begins anew.`,
  },
  service_refused: {
    transient: false,
    message: (p: { why: string }) => `The service does not do that: ${p.why}`,
  },
  usage: {
    transient: false,
    message: (p: { problem: string }) => `Wrongly called: ${p.problem} (see --help).`,
  },
  demo_unreadable: {
    transient: false,
    message: (p: { file: string; why: string }) => `${p.file} cannot be read: ${p.why}.`,
  },
  demo_not_stored: {
    transient: false,
    message: (p: { file: string; status: number }) =>
      `Orthanc does not take ${p.file} (HTTP ${p.status}): the demo needs DICOM, PNG or JPEG files.`,
  },
} satisfies Entries;
