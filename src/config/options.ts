import { validate } from 'node-cron';
import { z } from 'zod';
import { defaultThresholds } from '../classify/network.js';

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
/** Logged and shown, so there must be no password in it. */
const webAddress = z
  .url({ protocol: /^https?$/, error: 'must be a web address (http://… or https://…)' })
  .refine(
    (url) => !/^\w+:\/\/[^/]*@/.test(url),
    'must hold no user or password: they have options of their own',
  );
const fraction = number(0, 1);

/**
 * Every option of the service, declared once: `orthancUrl` is the environment variable PLAINVIEW_ORTHANC_URL.
 * The description is what the README's table says (`npm run docs` writes it); the default is the default.
 */
export const options = z.object({
  orthancUrl: webAddress
    .default('http://127.0.0.1:8042')
    .describe("Orthanc's REST API, with its path prefix where a proxy adds one (`https://pacs/orthanc`)."),
  orthancPages: webAddress
    .optional()
    .describe(
      'Orthanc as a browser reaches it, for links to its own pages. Default: `PLAINVIEW_ORTHANC_URL`.',
    ),
  orthancUsername: z.string().min(1).optional().describe('User of Orthanc that Plainview works as.'),
  orthancPassword: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Its password. Secret: `PLAINVIEW_ORTHANC_PASSWORD_FILE` names a file that holds it instead; not both.',
    ),
  orthancCaFile: z
    .string()
    .min(1)
    .optional()
    .describe("PEM file of the site's own certification authority, for Orthanc over HTTPS."),
  orthancTimeoutMs: integer(100, 600_000)
    .default(30_000)
    .describe(
      'Milliseconds after which a call to Orthanc is given up. To show that it is there at all, it has a sixth of them, but five seconds at least.',
    ),
  orthancRetries: integer(0, 10)
    .default(2)
    .describe('How often one call is repeated at once (with growing pauses) where the failure may pass.'),
  orthancConnections: integer(1, 64)
    .default(8)
    .describe(
      'Calls to Orthanc that may be under way at a time. While its answers are slow, fewer are, down to one.',
    ),
  orthancRate: integer(0, 100_000).default(0).describe('Calls to Orthanc a second at most; 0: no ceiling.'),
  secret: z
    .string()
    .min(16, 'must have 16 characters or more')
    .optional()
    .describe(
      "Shared with Orthanc's environment: the hook sends it in `X-Plainview-Secret`. Required by `serve`. Secret: `PLAINVIEW_SECRET_FILE` names a file that holds it instead; not both.",
    ),
  tokensFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File that declares the tokens of the API, a line each, as `plainview token` prints them: name, role (`viewer`, `reviewer`, `admin`), SHA-256. Read at the start.',
    ),
  auditFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File to which each correction and request through the API is appended, as JSON lines: who, when, what, no patient data. They are in the log too.',
    ),
  apiRate: integer(10, 1_000_000)
    .default(1200)
    .describe('Requests a minute that one caller of the API may make.'),
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address to listen on. Listen beyond loopback only inside a network that you trust.'),
  port: integer(0, 65_535).default(8104).describe('Port to listen on; 0 takes a free one.'),
  network: z
    .string()
    .min(1)
    .default('embedded')
    .describe(
      "Which network classifies: `embedded` (research only), `nncpr` (after `plainview model fetch`), or the path of a frozen graph (`.pb`) of the site's own.",
    ),
  labels: z
    .string()
    .min(1)
    .optional()
    .describe(
      "File with the network's category names, one a line; default: those of `embedded` and `nncpr`, else `classes.txt` beside the graph.",
    ),
  engine: oneOf('auto', 'gpu', 'onnxruntime', 'wasm')
    .default('auto')
    .describe(
      'What runs the network: `gpu` (@tensorflow/tfjs-node-gpu; never falls back to the CPU), `onnxruntime` (CPU), `wasm` (CPU, slowest, runs anywhere); `auto` takes the first of these that works here.',
    ),
  workers: integer(0, 64)
    .default(0)
    .describe('Inference threads; 0: one per CPU core, at most four. A GPU has one always.'),
  concurrency: integer(1, 64).default(4).describe('Instances worked on at a time.'),
  backlogConcurrency: integer(1, 64)
    .default(1)
    .describe(
      'How many of those at a time may come from a backlog (a sweep, what was stored while the service was down) rather than from the hook or a person. One hardly touches a small Orthanc; more go through a large archive sooner.',
    ),
  threshold: fraction
    .optional()
    .describe(
      `Best score from which a category is given; below: \`needs_review\`. Default: what the network's \`.json\` says, else ${defaultThresholds.threshold}.`,
    ),
  margin: fraction
    .optional()
    .describe(
      `Least distance between the two best scores; below: \`needs_review\`. Default: what the network's \`.json\` says, else ${defaultThresholds.margin}.`,
    ),
  unknownBelow: fraction
    .optional()
    .describe(
      `Best score under which a picture counts as none of the categories. Default: what the network's \`.json\` says, else ${defaultThresholds.unknownBelow}.`,
    ),
  modalities: list(/^[A-Z0-9_]{1,16}$/, 'CR')
    .default(['CR', 'DX', 'RG', 'PX', 'IO'])
    .describe('Modalities (0008,0060) that can be plain radiographs.'),
  multiframe: oneOf('first', 'middle', 'skip')
    .default('first')
    .describe('Which frame of a multi-frame instance is looked at, or `skip` it.'),
  maxMegapixels: integer(1, 1000)
    .default(150)
    .describe('Largest picture that is fetched and decoded, in millions of pixels.'),
  rendering: oneOf('pam', 'png')
    .default('pam')
    .describe(
      'Form in which Orthanc hands over the rendered picture; the pixels are the same. `pam` spares both sides the compression; `png` spares a slow network between them.',
    ),
  labelPrefix: z
    .string()
    .regex(/^[A-Za-z0-9_-]{0,24}$/, 'may hold letters, digits, _ and -, at most 24')
    .default('')
    .describe(
      "Put before every label of Plainview's, where a site's own labels could collide. After a change, a sweep renames those of decisions; have all routes sent before, for what is pending is found by its label.",
    ),
  orderWords: z
    .string()
    .min(1)
    .optional()
    .describe(
      "File of the site's own words for body parts, projections and sides (YAML, as `orders/README.md` tells), beside those that Plainview knows in seven languages. They are looked for in DICOM's descriptions, to find pictures that are not what was ordered.",
    ),
  report: oneOf('off', 'study', 'instance')
    .default('off')
    .describe(
      'Whether decisions are also stored as DICOM: a structured report (TID 1500) in the study, one for each study or each instance, replaced when a decision changes.',
    ),
  tags: oneOf('off', 'absent', 'replace')
    .default('off')
    .describe(
      'Whether body part and view are also written into the stored DICOM files: where they are `absent`, or in place of what stands there. Orthanc must have `OverwriteInstances`; read `docs/dicom-tags.md` first.',
    ),
  rulesFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File with rules that send and label what has been decided (`docs/routing.md`). Checked at the start, against Orthanc too.',
    ),
  hangingFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      "YAML file with the site's hanging protocols; default: `orthanc/hanging.yaml`, which explains itself.",
    ),
  attempts: integer(1, 20)
    .default(6)
    .describe(
      'How often an instance is tried (pauses grow from one second to a minute) before it is marked `classification_failed`.',
    ),
  stateDir: z
    .string()
    .min(1)
    .default('.plainview')
    .describe(
      "Folder for the little that Plainview keeps itself: how far it has read Orthanc's change log, what it was asked for, what people decided (an Orthanc that replaces a file forgets it, and one that deletes it: sent again, it is what they said), the counts of the dashboard. Lost, the log is read again, what is done is skipped, and counts are made anew from Orthanc; a sweep or request under way is forgotten. With `PLAINVIEW_TAGS` it may hold what Orthanc has lost for a moment: keep it safe.",
    ),
  changesPollMs: integer(100, 3_600_000)
    .default(2000)
    .describe("Milliseconds between two looks at Orthanc's change log, which finds what the hook missed."),
  sweep: z
    .string()
    .refine((text) => text === 'off' || validate(text), 'must be a cron expression, or off')
    .default('0 3 * * 0')
    .describe(
      'When the archive is swept for radiographs that carry no decision of the network in use: a cron expression in local time (containers: `TZ`), or `off`. `plainview sweep` does it at once.',
    ),
  sweepOrder: oneOf('newest', 'oldest').default('newest').describe('Which radiographs a sweep begins with.'),
  sweepRate: number(0, 1000)
    .default(0)
    .describe('Instances a second that a sweep takes up at most; 0: as many as the load on Orthanc allows.'),
  sweepHours: z
    .string()
    .regex(/^([01]?\d|2[0-3])-([01]?\d|2[0-3])$/, 'must look like 22-6')
    .transform((text) => {
      const [from = 0, to = 0] = text.split('-').map(Number);
      return { from, to };
    })
    .refine(({ from, to }) => from !== to, 'must begin and end at different hours')
    .optional()
    .describe(
      'Hours between which a sweep works (`22-6`), in local time (containers: `TZ`); without them, always.',
    ),
  nice: integer(0, 19)
    .default(10)
    .describe(
      "How far the service stands back for other programs on the machine's CPU, Orthanc above all: 0 not at all, 19 furthest.",
    ),
  logLevel: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace')
    .default('info')
    .describe('Least severity that is logged, as JSON lines on standard output.'),
  shutdownSeconds: integer(0, 600)
    .default(20)
    .describe('How long a stop (SIGTERM) waits for what is in work, and for an Orthanc that hangs.'),
});

export type Config = z.output<typeof options>;
export type OptionName = keyof Config;

/** Options that may come from a file (`…_FILE`), as Docker and systemd hand over secrets. */
export const secretOptions: readonly OptionName[] = ['orthancPassword', 'secret'];

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
