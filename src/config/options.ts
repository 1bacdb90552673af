import { validate } from 'node-cron';
import { z } from 'zod';
import { engineChoices } from '../classify/engines/engine.js';
import { defaultThresholds } from '../classify/network.js';
import { precisions } from '../classify/precision.js';
import { defaultMegapixels } from '../classify/workers/memory.js';
import { viewerLinks } from './viewer-links.js';
import { secureAddress, webAddress, webAddresses } from './web-address.js';

/** A comma-separated list, as environments hold it. */
const list = (pattern: RegExp, example: string) => {
  const message = `must be a list, separated by commas, of items like ${example}`;
  return z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    )
    .pipe(z.array(z.string().regex(pattern, message)).min(1, message));
};

// Messages follow the option's name, and are followed by what was given: `PLAINVIEW_PORT: must be …, not "abc"`.
const number = (min: number, max: number, kind = 'number') => {
  const message = `must be a ${kind} from ${min} to ${max}`;
  return z.coerce.number(message).min(min, message).max(max, message);
};
const integer = (min: number, max: number) =>
  number(min, max, 'whole number').int(`must be a whole number from ${min} to ${max}`);
const oneOf = <const T extends readonly string[]>(...values: T) =>
  z.enum(values, `must be one of ${values.join(', ')}`);
const fraction = number(0, 1);

/**
 * Every option of the service, declared once: `orthancUrl` is the environment variable PLAINVIEW_ORTHANC_URL.
 * The description is what the README's table says (`npm run docs` writes it); the default is the default.
 */
export const options = z.object({
  orthancUrl: webAddresses
    .default(['http://127.0.0.1:8042'])
    .describe(
      "Address of Orthanc's REST API. Include the path prefix if a proxy adds one: `https://pacs/orthanc`. Or the addresses of [several Orthancs on one database](docs/scaling.md), separated by commas or blanks. The first one sends.",
    ),
  orthancPages: webAddress
    .optional()
    .describe(
      "Address of Orthanc as browsers reach it, for links to Orthanc's pages. Default: `PLAINVIEW_ORTHANC_URL`, of several the first.",
    ),
  viewers: viewerLinks
    .optional()
    .describe(
      "Viewers that the review page links to: a name, `=`, and an address with `{StudyInstanceUID}`, `{SeriesInstanceUID}`, `{SOPInstanceUID}`, or Orthanc's identifiers `{study}`, `{series}`, `{instance}`; several are separated by blanks. `OHIF=https://pacs/ohif/viewer?StudyInstanceUIDs={StudyInstanceUID} Stone=/stone-webviewer/index.html?study={StudyInstanceUID} OE2=/ui/app/#/filtered-studies?StudyInstanceUID={StudyInstanceUID}`. `_` in a name is shown as a blank.",
    ),
  orthancUsername: z.string().min(1).optional().describe('Orthanc user that Plainview logs in as.'),
  orthancPassword: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Password of that user. Or set `PLAINVIEW_ORTHANC_PASSWORD_FILE` to a file that contains it; never both.',
    ),
  orthancCaFile: z
    .string()
    .min(1)
    .optional()
    .describe("PEM file with the site's own certification authority, if Orthanc uses HTTPS."),
  orthancTimeoutMs: integer(100, 600_000)
    .default(30_000)
    .describe(
      'Time-out of one call to Orthanc, in milliseconds. A check whether Orthanc answers at all waits a sixth of it, but at least 5000.',
    ),
  orthancRetries: integer(0, 10)
    .default(2)
    .describe(
      'Number of times that a call to Orthanc is repeated at once, with growing pauses, after a transient error; of several Orthancs, at another one. A call that reads a file is not repeated at once where it timed out or broke.',
    ),
  orthancConnections: integer(1, 64)
    .default(8)
    .describe(
      'Maximum number of calls to each Orthanc at the same time. While Orthanc answers slowly, Plainview uses fewer, down to 1.',
    ),
  orthancRate: integer(0, 100_000)
    .default(0)
    .describe(
      'Maximum number of calls to each Orthanc per second, of all services that share a database together; 0: no limit. The health check, two small calls every five seconds, is not counted.',
    ),
  secret: z
    .string()
    .trim()
    .min(16, 'must have 16 characters or more')
    .optional()
    .describe(
      "Secret that Plainview shares with the hook and the plugin in Orthanc: at least 16 characters, the same in Orthanc's environment. It is never sent; keys are made from it. `serve` requires it. Or set `PLAINVIEW_SECRET_FILE` to a file that contains it; never both.",
    ),
  tokensFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File with the tokens of the API, one per line as `plainview token` prints it: name, role (`viewer`, `reviewer` or `admin`), SHA-256. Read at the start.',
    ),
  oidcIssuer: secureAddress
    .refine((url) => !/[?#]/.test(url), 'must hold no ? and no #')
    .optional()
    .describe(
      'OpenID Connect provider whose tokens the API accepts too, exactly as `iss` of its tokens. Needs the next two options. See [docs/identity.md](docs/identity.md).',
    ),
  oidcAudience: z
    .string()
    .min(1)
    .optional()
    .describe('What `aud` of its tokens must contain: the identifier of Plainview at the provider.'),
  oidcRoles: list(/^(viewer|reviewer|admin)=./, 'reviewer=radiologists')
    .transform((items) =>
      items.map((item) => {
        const [given, ...value] = item.split('=');
        return { role: z.enum(['viewer', 'reviewer', 'admin']).parse(given), value: value.join('=') };
      }),
    )
    .optional()
    .describe(
      'Which values of the role claim give which role: `admin=pv-admins,reviewer=radiologists,viewer=*`; `*`: everybody who has a token for Plainview. The highest role counts; without one, nothing is allowed.',
    ),
  oidcSignIn: oneOf('off', 'on')
    .default('off')
    .describe(
      'Whether people can sign in at the provider from the review page. The provider must know `PLAINVIEW_OIDC_AUDIENCE` as a public client (authorization code with PKCE).',
    ),
  oidcRoleClaim: z
    .string()
    .min(1)
    .default('roles')
    .describe('Claim with these values: its name, or a path such as `realm_access.roles`.'),
  oidcNameClaim: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Claim with the caller's name, which is recorded with what the caller does. Default: `preferred_username`, or `sub` where there is none. Users must not be able to change it themselves.",
    ),
  auditFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File to which Plainview appends each change that is requested through the API, and each request that is refused because of the role: who, when, what, no patient data. JSON lines; the log has them too, and a [database](docs/scaling.md).',
    ),
  auditViews: oneOf('off', 'on')
    .default('off')
    .describe(
      'Also append each view that Plainview sends: a picture, a decision, the map of what speaks for a category, a list. Who, when, which instance; of a list, its length and filter. Not in the log. A browser can show a picture again for an hour without asking for it again.',
    ),
  apiRate: integer(10, 1_000_000)
    .default(1200)
    .describe('Maximum number of API requests per minute of one caller.'),
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address to listen on. Use another one only inside a network that you trust.'),
  port: integer(0, 65_535).default(8104).describe('Port to listen on; 0: any free port.'),
  network: z
    .string()
    .min(1)
    .default('embedded')
    .describe(
      "Network that classifies: `embedded` (research only), `nncpr` (after `plainview model fetch`), a name in the folder `networks` of the state folder, or the path of the site's own frozen graph (`.pb`) or [ONNX file](docs/own-network.md) (`.onnx`). A service without a database can [switch to another one](docs/networks.md) while it runs; then that one decides, also after a restart.",
    ),
  shadowNetwork: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A second network, named as `PLAINVIEW_NETWORK` is, that looks at each picture as well. Its answer is recorded beside the decision and [changes nothing](docs/networks.md#a-network-in-the-shadow). It costs one more inference for each picture.',
    ),
  features: oneOf('off', 'keep')
    .default('off')
    .describe(
      'Whether what enters the last layer of the network is kept in the state folder: about 4 kB for each picture, of which no picture can be made. Then a sweep with a network that `plainview train` made of it [needs no rendering](docs/networks.md#what-a-sweep-decides-anew), and training is faster.',
    ),
  orientation: oneOf('off', 'record', 'label')
    .default('record')
    .describe(
      'Whether the network tells [which way up](docs/orientation.md) pictures are: `record` notes it beside the decision; `label` also sets the label `not_upright` where one is turned or mirrored. The embedded network can, and what `plainview train` makes of it.',
    ),
  side: oneOf('off', 'record')
    .default('off')
    .describe(
      'Whether [markers of sides](docs/side.md) on the film are read: `record` notes beside the decision what the only one says, and compares it with the order.',
    ),
  labels: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File with the category names of a frozen graph, one per line. Default: the names of `embedded` or `nncpr`; else `classes.txt` beside the graph. Those of an ONNX file are in its description.',
    ),
  inputLayer: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Name of the network's input in its graph. Default: `input`; of an ONNX file, what its description says.",
    ),
  outputLayer: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Name of the network's output in its graph. Default: `final_result`; of an ONNX file, what its description says.",
    ),
  engine: oneOf(...engineChoices)
    .default('auto')
    .describe(
      'Program that runs the network: `cuda` (onnxruntime on an NVIDIA GPU), `tfjs-gpu` (@tensorflow/tfjs-node-gpu, for CUDA 11.2), `onnxruntime` (CPU), `wasm` (CPU, slowest, runs anywhere). `auto` takes the first of these that works. `gpu` takes the first of the two on a GPU, and never the CPU instead. An ONNX file runs on `cuda` or `onnxruntime`.',
    ),
  precision: oneOf(...precisions)
    .default('float32')
    .describe(
      'Numbers with which the network is computed. `int8` takes less than half the time of `float32` on a CPU with VNNI, and [gives slightly other scores](docs/networks.md#int8). It is for the embedded network and what `plainview train` made of it, on `onnxruntime` only, which `auto` then chooses; not together with `PLAINVIEW_FEATURES=keep`. Training and the reading of markers always use `float32`.',
    ),
  workers: integer(0, 64)
    .default(0)
    .describe(
      'Number of processes that decode and classify; 0: one per CPU core, at most 4. A GPU always has one.',
    ),
  concurrency: integer(1, 64).default(4).describe('Maximum number of instances in work at the same time.'),
  backlogConcurrency: integer(1, 64)
    .default(1)
    .describe(
      'How many of them may come from a backlog: a sweep, or what was stored while the service was down. 1 hardly disturbs a small Orthanc; more finish a large archive sooner.',
    ),
  threshold: fraction
    .optional()
    .describe(
      `Lowest best score that gives a category; below it: \`needs_review\`. Default: the network's \`.json\`, else ${defaultThresholds.threshold}.`,
    ),
  margin: fraction
    .optional()
    .describe(
      `Smallest difference between the two best scores; below it: \`needs_review\`. Default: the network's \`.json\`, else ${defaultThresholds.margin}.`,
    ),
  unknownBelow: fraction
    .optional()
    .describe(
      `A best score below this means \`unknown_view\`. Default: the network's \`.json\`, else ${defaultThresholds.unknownBelow}.`,
    ),
  modalities: list(/^[A-Z0-9_]{1,16}$/, 'CR')
    .default(['CR', 'DX', 'RG', 'PX', 'IO'])
    .describe(
      'Modalities (0008,0060) that Plainview classifies, separated by commas. The SOP class counts first: a picture of the classes CR, DX, MG or intra-oral is one of CR, DX, MG or IO, even if Modality is missing or wrong. Only in the classes CR and DX, a Modality of projection radiography (CR, DX, RG, PX, IO, MG, RF, XA, BMD) counts more. Upper and lower case are the same; of several values, one suffices.',
    ),
  multiframe: oneOf('first', 'middle', 'skip')
    .default('first')
    .describe('Frame of a multi-frame instance that is classified; `skip`: none.'),
  maxMegapixels: integer(1, 1000)
    .default(defaultMegapixels)
    .describe(
      'Largest picture that Plainview or its review page lets Orthanc render, in millions of pixels.',
    ),
  rendering: oneOf('pam', 'png')
    .default('pam')
    .describe(
      'Format of the picture that Orthanc renders; the pixels are the same. `pam` needs no compression; `png` needs less bandwidth.',
    ),
  labelPrefix: z
    .string()
    .regex(/^[A-Za-z0-9_-]{0,24}$/, 'may hold letters, digits, _ and -, at most 24')
    .default('')
    .describe(
      "Prefix of all labels of Plainview, against conflicts with the site's own labels: at most 24 letters, digits, `_` or `-`. Before a change, wait until all routes are sent; after it, run a sweep, which renames the labels of decisions.",
    ),
  orderWords: z
    .string()
    .min(1)
    .optional()
    .describe(
      "YAML file with the site's own words for body parts, projections and sides, for the [order check](docs/order-check.md). `orders/README.md` describes the file.",
    ),
  viewsFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      "YAML file with the site's own views: names that a person can choose besides the network's and the standard ones, with their DICOM codes. [docs/views.md](docs/views.md) describes the file.",
    ),
  report: oneOf('off', 'study', 'instance')
    .default('off')
    .describe(
      'Also store each decision as a DICOM structured report (TID 1500): one per study or one per instance. A new decision replaces it.',
    ),
  tags: oneOf('off', 'absent', 'replace')
    .default('off')
    .describe(
      'Also write body part and view into the stored DICOM files: where they are `absent`, or `replace` what is there. Orthanc needs `OverwriteInstances`. Read [docs/dicom-tags.md](docs/dicom-tags.md) first.',
    ),
  rulesFile: z
    .string()
    .min(1)
    .optional()
    .describe('File with [routing rules](docs/routing.md). Checked at the start, also against Orthanc.'),
  hangingFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      "YAML file with the site's [hanging protocols](docs/hanging.md). Default: `orthanc/hanging.yaml`.",
    ),
  attempts: integer(1, 20)
    .default(6)
    .describe(
      'Number of attempts before an instance is labelled `classification_failed`. The pauses between them grow from one second to one minute.',
    ),
  stateDir: z
    .string()
    .min(1)
    .default('.plainview')
    .describe(
      'Folder of [the state that Plainview keeps](docs/install.md#the-state-folder), unless `PLAINVIEW_DATABASE_URL` is set. With `PLAINVIEW_TAGS`, keep it as safe as the data of Orthanc.',
    ),
  databaseUrl: z
    .url({
      protocol: /^postgres(ql)?$/,
      error:
        'must be a URL like postgresql://plainview:password@host/database, with special characters of the password as %XX',
    })
    .optional()
    .describe(
      'PostgreSQL database, `postgresql://user:password@host/database`, that keeps state and queue instead of a folder and memory. Then [several services](docs/scaling.md) share the work, and go on when one dies. Or set `PLAINVIEW_DATABASE_URL_FILE` to a file that contains it; never both.',
    ),
  address: webAddress
    .pipe(
      z
        .string()
        .refine((url) => /^[^/]+\/\/[^/?#]+\/?$/.test(url), 'must be an address without a path')
        .refine(
          (url) => !['0.0.0.0', '[::]'].includes(new URL(url).hostname),
          'must name one machine, as the others reach it',
        ),
    )
    .optional()
    .describe(
      'Address at which the other services of the archive reach this one, where they [share a database](docs/scaling.md). Default: `http://`, the host name of this machine, and the port.',
    ),
  changesPollMs: integer(100, 3_600_000)
    .default(2000)
    .describe(
      "Interval between two readings of Orthanc's change log, which finds what the hook missed, in milliseconds.",
    ),
  changesLateSeconds: integer(10, 86_400)
    .default(600)
    .describe(
      'How long Plainview looks for an entry of the change log that [may come late](docs/install.md#orthanc-with-postgresql), in seconds: longer than a database transaction of Orthanc can take. Only time in which the log grows counts. Has no effect with SQLite.',
    ),
  sweep: z
    .string()
    .refine((text) => text === 'off' || validate(text), 'must be a cron expression, or off')
    .default('0 3 * * 0')
    .describe(
      'When a sweep searches the archive for radiographs without a decision of the network in use: a cron expression in local time (container: `TZ`), or `off`. One that was missed begins late.',
    ),
  sweepOrder: oneOf('newest', 'oldest').default('newest').describe('Which radiographs a sweep takes first.'),
  sweepRate: number(0, 1000)
    .default(0)
    .describe(
      'Maximum number of instances that a sweep takes per second; 0: as many as the load of Orthanc allows.',
    ),
  sweepHours: z
    .string()
    .regex(/^([01]?\d|2[0-3])-([01]?\d|2[0-3])$/, 'must be two hours of the day, like 22-6')
    .transform((text) => {
      const [from = 0, to = 0] = text.split('-').map(Number);
      return { from, to };
    })
    .refine(({ from, to }) => from !== to, 'must begin and end at different hours')
    .optional()
    .describe(
      'Hours between which a sweep works, such as `22-6`, in local time (container: `TZ`). Default: always.',
    ),
  driftWebhook: webAddress
    .optional()
    .describe(
      'Address that is told when the pictures of a station are not what they were ([docs/drift.md](docs/drift.md)), with a message signed as in the Standard Webhooks specification. Needs the next option.',
    ),
  driftWebhookSecret: z
    .string()
    .trim()
    .regex(
      /^(whsec_)?[A-Za-z0-9+/]{32,}=*$/,
      'must be 24 random bytes or more in base64, as openssl rand -base64 32 makes them',
    )
    .transform((text) => Buffer.from(text.replace(/^whsec_/, ''), 'base64'))
    .optional()
    .describe(
      'Secret of its signatures. Or set `PLAINVIEW_DRIFT_WEBHOOK_SECRET_FILE` to a file that contains it; never both.',
    ),
  nice: integer(0, 19)
    .default(10)
    .describe(
      'CPU priority of the service: 0 is normal, 19 is the lowest. A higher number leaves more of the CPU to Orthanc. A higher one that the service was started with stays.',
    ),
  logLevel: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace')
    .default('info')
    .describe('Lowest level that is logged. The log is JSON lines on standard output.'),
  logLevelForm: oneOf('number', 'word')
    .default('number')
    .describe(
      'How a line of the log tells its level: as `number` (`"level":30`; 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal) or as `word` (`"level":"info"`).',
    ),
  shutdownSeconds: integer(0, 600)
    .default(20)
    .describe(
      'Maximum time that a stop (SIGTERM) waits for the instances in work and the last lines of the log, in seconds. Five seconds later the process ends itself, also where the state folder does not answer.',
    ),
});

export type Config = z.output<typeof options>;
export type OptionName = keyof Config;

/** Options that may come from a file (`…_FILE`), as Docker and systemd hand over secrets. */
export const secretOptions: readonly OptionName[] = [
  'orthancPassword',
  'secret',
  'databaseUrl',
  'driftWebhookSecret',
];

/**
 * Variables of the same prefix that are not the service's: the Lua hook and the Python plugin read the first three inside
 * Orthanc's process, and one environment file often feeds both; the others tell the sandbox where to keep its Orthanc and to get it from.
 */
export const foreignVariables: readonly string[] = [
  'PLAINVIEW_HOOK_URL',
  'PLAINVIEW_HOOK_QUIET_S',
  'PLAINVIEW_URL',
  'PLAINVIEW_SANDBOX',
  'PLAINVIEW_DEBIAN_MIRROR',
];

/** `orthancUrl` → `PLAINVIEW_ORTHANC_URL` */
export const variableOf = (name: OptionName): string =>
  `PLAINVIEW_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
