import type { PlainviewError } from '../errors/errors.js';

/**
 * `error`: Plainview does not work, or loses something. `warning`: it works, and somebody should act. `note`: what cannot be
 * told from here, or is good to know.
 */
export type Severity = 'error' | 'warning' | 'note';

interface Entry {
  severity: Severity;
  /** What is wrong, then what to do. No DICOM values other than Modality and labels. */
  message: (p: never) => string;
}

/** Every finding of `plainview doctor` that is no error of the catalogue in `src/errors/`. `docs/doctor.md` is generated from it. */
export const findings = {
  node_ended: {
    severity: 'warning',
    message: (p: { version: string }) =>
      `Node.js ${p.version} gets no security updates any more. Install Node.js 22 or 24.`,
  },
  secret_readable: {
    severity: 'warning',
    message: (p: { file: string }) =>
      `Every user of this machine can read ${p.file}. Run \`chmod o-rwx\` on it.`,
  },
  network_research: {
    severity: 'note',
    message: (p: { network: string }) =>
      `The network ${p.network} is for evaluation and research only. For everything else run \`plainview model fetch\` and set PLAINVIEW_NETWORK=nncpr, or train one.`,
  },
  state_absent: {
    severity: 'note',
    message: (p: { folder: string }) =>
      `The state folder ${p.folder} is not there yet. The service makes it at its first start. If it ran before, PLAINVIEW_STATE_DIR names another folder.`,
  },
  state_unwritable: {
    severity: 'error',
    message: (p: { folder: string; why: string }) =>
      `This user cannot write into the state folder ${p.folder} (${p.why}). Give it to the user of the service, and run the doctor as that user.`,
  },
  disk_low: {
    severity: 'warning',
    message: (p: { folder: string; megabytes: number }) =>
      `The disk of ${p.folder} has only ${p.megabytes} MB left. Make room: while it is full, corrections are refused and new pictures wait.`,
  },
  disk_full: {
    severity: 'error',
    message: (p: { folder: string; megabytes: number }) =>
      `The disk of ${p.folder} is nearly full (${p.megabytes} MB left). Make room: while it is full, corrections are refused and new pictures wait.`,
  },
  database_read_only: {
    severity: 'error',
    message: (p: { place: string }) =>
      `The database ${p.place} takes no writes, because it is a standby. Name the primary server in PLAINVIEW_DATABASE_URL.`,
  },
  database_clock: {
    severity: 'warning',
    message: (p: { seconds: number }) =>
      `The clock of the database differs from this one by ${p.seconds} s. Set both by NTP.`,
  },
  weak_version: {
    severity: 'warning',
    message: (p: { title: string; version: string; what: string; mendedIn: string; source: string }) =>
      `${p.title} ${p.version} has a known weakness, unless your distribution mended it in this version: ${p.what}. Upgrade to ${p.mendedIn} or newer. See ${p.source}`,
  },
  orthanc_can_freeze: {
    severity: 'warning',
    message: (p: { text: string }) => p.text,
  },
  gdcm_unrestricted: {
    severity: 'note',
    message: (p: { text: string }) => p.text,
  },
  plugins_untold: {
    severity: 'note',
    message: (_: object) =>
      'Orthanc does not tell this user its plugins, so their versions were not compared. Look at them on the page of Orthanc.',
  },
  clocks_apart: {
    severity: 'error',
    message: (p: { seconds: number }) =>
      `The clock of Orthanc differs from this one by ${p.seconds} s. Requests of its pages are valid for 60 s. Set both clocks by NTP.`,
  },
  clocks_drift: {
    severity: 'warning',
    message: (p: { seconds: number }) =>
      `The clock of Orthanc differs from this one by ${p.seconds} s. From 60 s on, its pages cannot reach Plainview. Set both clocks by NTP.`,
  },
  threads_few: {
    severity: 'warning',
    message: (p: { free: number; connections: number }) =>
      `Orthanc has ${p.free} free HTTP threads, and Plainview opens up to ${p.connections} connections. Raise "HttpThreadsCount" in its configuration to at least twice as many, or lower PLAINVIEW_ORTHANC_CONNECTIONS.`,
  },
  threads_untold: {
    severity: 'note',
    message: (_: object) =>
      'Orthanc before 1.13.0 does not tell how many HTTP threads are free. "HttpThreadsCount" in its configuration (default 50) must be at least twice PLAINVIEW_ORTHANC_CONNECTIONS.',
  },
  keep_alive_short: {
    severity: 'warning',
    message: (p: { seconds: number }) =>
      `Orthanc closes a connection after ${p.seconds} s, so Plainview must open one for nearly every request. Set "KeepAliveTimeout": 30 in its configuration.`,
  },
  index_slow: {
    severity: 'warning',
    message: (p: { instances: number; ms: number }) =>
      `Orthanc has ${p.instances} instances and takes ${p.ms} ms to find one by its identifier, because SQLite reads them all. Every viewer waits for that, too. Add an index (docs/install.md#orthanc-with-sqlite), or use PostgreSQL.`,
  },
  labels_collide: {
    severity: 'warning',
    message: (p: { label: string; foreign: number; seen: number }) =>
      `The label ${p.label} is also somebody else's: of ${p.seen} studies with it, ${p.foreign} have no record of Plainview. If people put it there, it is a proposal (orthanc/README.md). If a program did, set PLAINVIEW_LABEL_PREFIX, or rename its labels.`,
  },
  labels_grant_access: {
    severity: 'warning',
    message: (_: object) =>
      "Orthanc's authorization plugin can grant access by label, and Plainview's labels have no prefix. Set PLAINVIEW_LABEL_PREFIX, so that no label of Plainview is one that grants access.",
  },
  modality_left_out: {
    severity: 'warning',
    message: (p: { modality: string; series: number; of: number }) =>
      `${p.series} of ${p.of} series have Modality ${p.modality}, which is not in PLAINVIEW_MODALITIES. If they are plain radiographs, add it; pictures of the classes CR and DX are classified anyway.`,
  },
  modality_not_plain: {
    severity: 'note',
    message: (p: { modality: string; series: number; of: number }) =>
      `${p.series} of ${p.of} series have Modality ${p.modality}, and are left alone. Add it to PLAINVIEW_MODALITIES only if the network knows such pictures.`,
  },
  service_away: {
    severity: 'warning',
    message: (p: { url: string; why: string }) =>
      `No service answers at ${p.url} (${p.why}), so the hook could not be examined. Start it, and run the doctor on its machine with its environment.`,
  },
  service_other: {
    severity: 'error',
    message: (p: { url: string }) =>
      `What answers at ${p.url} is not Plainview, or another version. Check PLAINVIEW_HOST and PLAINVIEW_PORT, and restart the service after an upgrade.`,
  },
  service_not_ready: {
    severity: 'error',
    message: (p: { problem: string }) =>
      `The service runs and cannot work: ${p.problem} Its log has the cause.`,
  },
  service_secret_differs: {
    severity: 'error',
    message: (p: { url: string }) =>
      `The service at ${p.url} has another secret than this environment. Restart it, or use its environment.`,
  },
  hook_secret_differs: {
    severity: 'error',
    message: (p: { when: string }) =>
      `The service refused the last notice of Orthanc's hook (${p.when}), because its secret is another one. Set PLAINVIEW_SECRET to the same value for Orthanc and for Plainview, and restart both.`,
  },
  hook_silent: {
    severity: 'warning',
    message: (p: { received: string; heard: string }) =>
      `Orthanc received a radiograph at ${p.received}, and its hook has reported none to this service since ${p.heard}. Check "LuaScripts", PLAINVIEW_HOOK_URL and the secret of Orthanc, and look for "Plainview" in its log. Until then pictures are found some seconds later.`,
  },
  hook_untold: {
    severity: 'note',
    message: (p: { since: string }) =>
      `Since the service started (${p.since}), Orthanc received no radiograph, so it cannot be told whether the hook works. Store one, and run the doctor again.`,
  },
  not_examined: {
    severity: 'note',
    message: (_: object) =>
      'Because of the errors, not everything was examined. Mend them, and run the doctor again.',
  },
} satisfies Record<string, Entry>;

export type FindingCode = keyof typeof findings;

export interface Finding {
  /** Of the list above, or of the catalogue of errors. */
  code: string;
  severity: Severity;
  message: string;
}

export function finding<C extends FindingCode>(
  code: C,
  params: Parameters<(typeof findings)[C]['message']>[0],
): Finding {
  const { severity } = findings[code];
  // Each entry's `message` takes its own parameters, which the signature above has tied to `code`.
  const message = findings[code].message as (p: typeof params) => string;
  return { code, severity, message: message(params) };
}

/** A command has no log, so a fault of Plainview is told with its cause. */
export const findingOf = ({ code, message, cause }: PlainviewError): Finding => ({
  code,
  severity: 'error',
  message: code === 'internal' && cause instanceof Error ? `${message} (${cause.message})` : message,
});
