import type { Entries } from './entries.js';

/** Starting, running and calling the program. */
export const runningErrors = {
  config_invalid: {
    passing: false,
    say: (p: { problems: string[] }) => `The configuration cannot be used: ${p.problems.join('; ')}.`,
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
      `The result cannot be written: ${p.problem}. Make room, or name another place for it.`,
  },
  interrupted: {
    passing: false,
    say: (p: { what: string }) => `Interrupted: ${p.what} was not made, and nothing of it is left.`,
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
  state_damaged: {
    passing: false,
    say: (p: { file: string }) =>
      `${p.file} is damaged, so nothing is done with its instance. Move it away and keep it: it may hold what Orthanc has lost.`,
  },
  service_unreachable: {
    passing: true,
    say: (p: { url: string; why: string }) =>
      `The service at ${p.url} does not do that (${p.why}). Is it running, and is PLAINVIEW_SECRET the same here?`,
  },
  sweep_broke_off: {
    passing: true,
    say: (p: { why: string }) => `The sweep broke off: ${p.why} The next one begins anew.`,
  },
  service_refused: {
    passing: false,
    say: (p: { why: string }) => `The service does not do that: ${p.why}`,
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
} satisfies Entries;
