import type { ErrorEntries } from './entry.js';

/** Starting, running and calling the program. */
export const runningErrors = {
  config_invalid: {
    message: (p: { problems: string[] }) => `The configuration cannot be used: ${p.problems.join('; ')}.`,
    transient: false,
    status: 500,
    exit: 2,
    remedy: '`plainview options` lists the options.',
  },
  labels_invalid: {
    message: (p: { file: string; where: string; problem: string }) => `${p.file}, ${p.where}: ${p.problem}.`,
    transient: false,
    status: 500,
    exit: 2,
    meaning: 'A file for `plainview evaluate` has an error in the line that the sentence names.',
    remedy: 'Correct that line; [evaluate.md](evaluate.md) describes the files.',
  },
  nothing_to_evaluate: {
    message: (p: { problem: string }) => `There is nothing to evaluate: ${p.problem}.`,
    transient: false,
    status: 500,
    exit: 1,
    remedy: 'See [evaluate.md](evaluate.md).',
  },
  report_unwritable: {
    message: (p: { problem: string }) =>
      `The result cannot be written: ${p.problem}. Make room, or name another place for it.`,
    transient: false,
    status: 500,
    exit: 2,
  },
  interrupted: {
    message: (p: { what: string }) =>
      `The command was interrupted: it did not make ${p.what}, and kept nothing of it. Run it again.`,
    transient: false,
    status: 500,
    exit: 1,
  },
  sandbox_unavailable: {
    message: (p: { why: string }) =>
      `No Orthanc can be started on this machine: ${p.why}. Start a Docker engine, or set PLAINVIEW_ORTHANC_URL to an Orthanc that runs.`,
    transient: false,
    status: 500,
    exit: 1,
  },
  sandbox_without_postgresql: {
    message: (p: { why: string }) =>
      `\`--several\` needs a PostgreSQL server on this machine, and none can be started: ${p.why}. On Debian, install the package postgresql (\`apt install postgresql\`).`,
    transient: false,
    status: 500,
    exit: 1,
  },
  sandbox_unwritable: {
    transient: false,
    status: 500,
    exit: 1,
    message: (p: { folder: string; why: string }) =>
      `The sandbox cannot keep its files in ${p.folder} (${p.why}). Make that folder writable, or set PLAINVIEW_ORTHANC_URL to an Orthanc that runs.`,
  },
  sandbox_port_taken: {
    message: (p: { port: number }) =>
      `Port ${p.port} of this machine is in use, perhaps by an Orthanc that runs already. Stop that program, or choose another port.`,
    transient: false,
    status: 500,
    exit: 1,
  },
  sandbox_not_started: {
    message: (p: { program: string; why: string; log: string }) =>
      `The sandbox's ${p.program} did not start (${p.why}). Look for the cause in its log, ${p.log}.`,
    transient: false,
    status: 500,
    exit: 1,
  },
  job_hangs: {
    message: (p: { seconds: number }) =>
      `A job has been running for ${Math.round(p.seconds)} s and does not end. systemd is told nothing more, and so starts the service again. Please report this, with the log.`,
    transient: false,
    status: 500,
    exit: 1,
  },
  stop_hangs: {
    message: (p: { seconds: number; folder: string }) =>
      `The stop has not ended after ${p.seconds} s: probably ${p.folder} does not answer. The process ends itself without it, and the next start goes on from what is saved.`,
    transient: true,
    status: 500,
    exit: 1,
    meaning:
      'What waits for a file server or a disk that does not answer cannot be cancelled. A process with such a call never ends of itself. This message is on standard error.',
    remedy: 'Look at the disk or file server of that folder.',
  },
  systemd_unreachable: {
    message: (p: { why: string }) =>
      `systemd cannot be told that the service works (${p.why}): the program systemd-notify is needed, and NotifyAccess=all in the unit.`,
    transient: true,
    status: 500,
    exit: 1,
  },
  internal: {
    message: (_: object) =>
      'This is a fault of Plainview itself. Please report it, with the cause from its log.',
    transient: true,
    status: 500,
    exit: 1,
    meaning:
      'Plainview met an error that it does not know. The answer of the service does not contain the cause, because it may name a patient. Remove such details before you report it.',
  },
  cannot_listen: {
    message: (p: { host: string; port: number; why: string }) =>
      `Plainview cannot listen on ${p.host}:${p.port} (${p.why}). Choose another PLAINVIEW_HOST or PLAINVIEW_PORT.`,
    transient: false,
    status: 500,
    exit: 1,
  },
  state_unusable: {
    message: (p: { folder: string; why: string }) =>
      `Plainview cannot keep its state in ${p.folder} (${p.why}). Make it a folder that this user can write, or set PLAINVIEW_STATE_DIR to one.`,
    transient: true,
    status: 503,
    exit: 1,
  },
  work_ends_service: {
    message: (p: { times: number }) =>
      `Plainview ended without a reason each of the ${p.times} times that it worked on this picture, so it does not try again. Check that the machine has enough memory, and report the picture's kind.`,
    transient: false,
    status: 422,
    exit: 1,
    meaning:
      'Probably the picture crashes a library, or takes more memory than there is. The instance is labelled `classification_failed`. Ends by SIGKILL count too, because they look the same.',
    remedy:
      'When the cause is mended: stop Plainview, remove the instance from `in-work.json` in the state folder, start Plainview, and ask for reclassification.',
  },
  setup_unwritable: {
    message: (p: { file: string; why: string }) =>
      `${p.file} cannot be written (${p.why}). Run setup as root (sudo), or name other places. What it wrote before that is in place; run it again.`,
    transient: false,
    status: 500,
    exit: 1,
  },
  tracing_unavailable: {
    message: (p: { why: string }) =>
      `Traces cannot be sent, because OpenTelemetry's packages cannot be loaded (${p.why}). Install them with \`npm ci\`, or remove OTEL_EXPORTER_OTLP_ENDPOINT from the environment.`,
    transient: false,
    status: 500,
    exit: 1,
  },
  state_in_use: {
    message: (p: { folder: string; holder: string }) =>
      `Another Plainview uses the state folder ${p.folder} (${p.holder}). Stop it first, or set PLAINVIEW_STATE_DIR to another folder.`,
    transient: false,
    status: 500,
    exit: 1,
  },
  state_damaged: {
    message: (p: { file: string }) =>
      `${p.file} is damaged, so Plainview does nothing that depends on it. Move the file away and keep it: it may hold what is nowhere else.`,
    transient: false,
    status: 500,
    exit: 1,
  },
  database_unusable: {
    message: (p: { place: string; why: string }) =>
      `Plainview cannot use its database ${p.place} (${p.why}). Check that PostgreSQL runs, can be reached and can write. A service goes on by itself.`,
    transient: true,
    status: 503,
    exit: 1,
  },
  database_refused: {
    message: (p: { place: string; why: string }) =>
      `The database ${p.place} refuses Plainview (${p.why}). Check user, password, name and parameters in PLAINVIEW_DATABASE_URL, and that the user may create a schema there.`,
    transient: false,
    status: 500,
    exit: 2,
  },
  database_too_old: {
    message: (p: { version: string }) =>
      `The database is PostgreSQL ${p.version}, and Plainview needs 12 or newer. Upgrade it, or set PLAINVIEW_DATABASE_URL to another one.`,
    transient: false,
    status: 500,
    exit: 2,
  },
  database_newer: {
    message: (p: { version: number; known: number }) =>
      `A newer Plainview has used this database (its tables have version ${p.version}; this program knows ${p.known}). Start that Plainview, or set PLAINVIEW_DATABASE_URL to another database.`,
    transient: false,
    status: 500,
    exit: 2,
  },
  database_in_use: {
    message: (p: { place: string; holder: string }) =>
      `The database ${p.place} is in use (${p.holder}). Stop that process first. If it was killed, wait ten seconds.`,
    transient: false,
    status: 500,
    exit: 1,
  },
  lease_lost: {
    message: (p: { who: string }) =>
      `Other processes have gone on without ${p.who}, because it did not answer for ten seconds. It ends: have it started again.`,
    transient: true,
    status: 503,
    exit: 1,
  },
  lead_given_up: {
    message: (p: { why: string }) =>
      `This process leads its archive and ${p.why}, and another one is better off. It ends, so that another one leads: have it started again.`,
    transient: true,
    status: 503,
    exit: 1,
    remedy:
      'Check the network between this machine and PLAINVIEW_ORTHANC_URL, and the clock of this machine.',
  },
  archive_differs: {
    message: (_: object) =>
      'The Orthanc in PLAINVIEW_ORTHANC_URL has another change log than the one of the process that leads: processes that share a database must work on the same Orthanc. Correct PLAINVIEW_ORTHANC_URL or PLAINVIEW_DATABASE_URL.',
    transient: true,
    status: 503,
    exit: 1,
    meaning:
      'For each archive there must be a database of its own. A service with this error takes no radiographs. It also passes for some seconds after the change log was cleared.',
  },
  standby: {
    message: (p: { why: string }) =>
      `This Plainview does not lead its archive, and cannot forward the request: ${p.why}. Try again in a few seconds.`,
    transient: true,
    status: 503,
    exit: 1,
    meaning:
      'Several processes share a database, and only their leader may answer this. Another one leads within about ten seconds after the leader has gone.',
    remedy:
      'Before you send a change again, look whether it was made: the leader may have gone after it. If it does not pass, check that this process reaches the address in the message: the other one must listen there (PLAINVIEW_HOST, by default only for its own machine), and give an address that leads to it (PLAINVIEW_ADDRESS).',
  },
  temporary_unusable: {
    transient: false,
    status: 500,
    exit: 1,
    message: (p: { folder: string; why: string }) =>
      `No temporary file can be made in ${p.folder} (${p.why}). Set TMPDIR to a folder that exists and is writable.`,
  },
  service_unreachable: {
    message: (p: { url: string; why: string }) =>
      `The service at ${p.url} does not do this (${p.why}). Check that it runs and that PLAINVIEW_SECRET is the same here.`,
    transient: true,
    status: 503,
    exit: 1,
  },
  sweep_broke_off: {
    message: (p: { why: string }) => `The sweep stopped too early: ${p.why} The next sweep starts anew.`,
    transient: true,
    status: 503,
    exit: 1,
    remedy: 'Do what the quoted sentence says, then start another sweep.',
  },
  service_refused: {
    message: (p: { why: string }) => `The service refused: ${p.why}`,
    transient: false,
    status: 500,
    exit: 1,
    meaning:
      "A command asked the running service, which answered with an error. The service's own sentence follows.",
  },
  usage: {
    message: (p: { problem: string }) => `The command line is wrong: ${p.problem} (see --help).`,
    transient: false,
    status: 500,
    exit: 2,
  },
  demo_unreadable: {
    message: (p: { file: string; why: string }) => `${p.file} cannot be read: ${p.why}.`,
    transient: false,
    status: 500,
    exit: 1,
    remedy: 'Check its path and its permissions.',
  },
  demo_not_stored: {
    message: (p: { file: string; status: number }) =>
      `Orthanc does not accept ${p.file} (HTTP ${p.status}). Give the demo DICOM, PNG or JPEG files.`,
    transient: false,
    status: 500,
    exit: 1,
  },
} satisfies ErrorEntries;
