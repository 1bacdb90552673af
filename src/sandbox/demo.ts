// `npm run demo [-- file…]`: stores pictures in a real Orthanc and prints what Plainview writes for them.
import { createHash } from 'node:crypto';
import { access, constants, readdir, readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { type Logger, pino } from 'pino';
import { z } from 'zod';
import { instanceRecord, metadataNames, readRecord } from '../decisions/schema.js';
import { createError, hasCode, terminalMessage } from '../errors/errors.js';
import { shipped } from '../files/places.js';
import { instanceId, studyId } from '../orthanc/ids.js';
import { startPair } from './pair.js';
import { type TrialFolders, takeTrialFolders } from './trial.js';

const stored = z.object({ ID: instanceId, ParentStudy: studyId, Status: z.string().optional() });
type Stored = z.output<typeof stored>;

/** Long enough for any picture on a slow machine. The limit ensures that the demo never hangs. */
const categoryTimeoutMs = 60_000;

async function request(url: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, signal: AbortSignal.timeout(30_000) });
}

/** Stores a DICOM file unchanged. For a PNG or JPEG, Orthanc creates a digital radiograph without a real patient. */
async function store(orthanc: string, file: string): Promise<Stored> {
  const bytes = await readFile(file);
  const mime = (
    { '.png': 'image/png', '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg' } as Record<string, string>
  )[extname(file).toLowerCase()];
  const answer = mime
    ? await request(`${orthanc}/tools/create-dicom`, {
        method: 'POST',
        body: JSON.stringify({
          Tags: {
            PatientName: 'DEMO^PLAINVIEW',
            PatientID: 'PLAINVIEW-DEMO',
            Modality: 'DX',
            SOPClassUID: '1.2.840.10008.5.1.4.1.1.1.1',
            StudyDescription: 'Thorax',
            SeriesDescription: basename(file),
            // The same ones at each call, so that a second demo does not store the picture twice.
            StudyInstanceUID: uidOf('study', bytes),
            SeriesInstanceUID: uidOf('series', bytes),
            SOPInstanceUID: uidOf('instance', bytes),
          },
          Force: true,
          Content: `data:${mime};base64,${bytes.toString('base64')}`,
        }),
      })
    : await request(`${orthanc}/instances`, { method: 'POST', body: new Uint8Array(bytes) });
  if (!answer.ok) throw createError('demo_not_stored', { file, status: answer.status });
  return stored.parse(await answer.json());
}

/** A UID made of a UUID (PS3.5 B.2). */
const uidOf = (level: string, bytes: Buffer): string =>
  `2.25.${BigInt(`0x${createHash('sha256').update(level).update(bytes).digest('hex').slice(0, 32)}`)}`;

/** Waits for `RadiographCategory`, which Plainview writes last. @returns undefined if it does not come in time */
async function waitForCategory(orthanc: string, instance: string): Promise<string | undefined> {
  for (const deadline = Date.now() + categoryTimeoutMs; Date.now() < deadline; ) {
    const answer = await request(`${orthanc}/instances/${instance}/metadata/${metadataNames.category}`);
    if (answer.ok) return answer.text();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return undefined;
}

async function row(orthanc: string, file: string): Promise<Record<string, string>> {
  const startedAt = performance.now();
  const { ID, ParentStudy, Status } = await store(orthanc, file);
  const category = await waitForCategory(orthanc, ID);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(2);
  if (category === undefined)
    return { picture: basename(file), category: 'not classified: no plain radiograph' };
  const text = await (await request(`${orthanc}/instances/${ID}/metadata/${metadataNames.record}`)).text();
  const record = readRecord(instanceRecord, text);
  const labels = z
    .array(z.string())
    .parse(await (await request(`${orthanc}/studies/${ParentStudy}/labels`)).json());
  return {
    picture: basename(file),
    category,
    'best score': record?.top[0] ? `${record.top[0].score.toFixed(5)} ${record.top[0].category}` : '–',
    "study's labels": labels.join(', '),
    'upload to label': Status === 'AlreadyStored' ? 'stored earlier' : `${seconds} s`,
  };
}

async function samples(): Promise<string[]> {
  const folder = shipped('samples');
  return (await readdir(folder))
    .filter((name) => name.endsWith('.png'))
    .sort()
    .map((name) => join(folder, name));
}

/** A text table whose columns are as wide as their longest cell. */
function table(rows: Record<string, string>[]): string {
  const columns = [...new Set(rows.flatMap((cells) => Object.keys(cells)))];
  const lines = [columns, ...rows.map((cells) => columns.map((column) => cells[column] ?? ''))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => (line[index] ?? '').length)));
  return lines
    .map((line) =>
      line
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}

async function foldersOfStart(log: Logger): Promise<TrialFolders | undefined> {
  try {
    return await takeTrialFolders(log);
  } catch (error) {
    if (!hasCode(error, 'state_in_use')) throw error;
    console.error(
      '`npm start` is running, so the samples go into another Orthanc, which is deleted at the end.',
    );
    return undefined;
  }
}

async function demo(given: string[]): Promise<void> {
  const log = pino({ level: 'error' }, pino.destination(2));
  // A picture of the caller can show a patient, so it is deleted at the end. The samples stay for `npm start`.
  const folder = given.length > 0 ? undefined : await foldersOfStart(log);
  const files = given.length > 0 ? given : await samples();
  const pair = await startPair({
    ...(folder === undefined ? {} : { folder }),
    log,
    onProgress: (line) => console.error(line),
  });
  try {
    const rows = [];
    for (const file of files) {
      console.error(`Storing ${basename(file)} …`);
      rows.push(await row(pair.orthanc.url, file));
    }
    console.log(`\nNetwork ${pair.network.name} (${pair.network.purpose}), engine ${pair.engine}`);
    console.log(table(rows));
    if (folder !== undefined)
      console.log(
        '\nThe samples stay: `npm start` shows them, and the review page those that wait for a person.',
      );
  } finally {
    await pair.stop();
  }
}

try {
  const given = process.argv.slice(2);
  for (const file of given)
    await access(file, constants.R_OK).catch((error: Error) => {
      throw createError('demo_unreadable', { file, why: error.message }, error);
    });
  await demo(given);
} catch (caught) {
  console.error(terminalMessage(caught));
  process.exitCode = 1;
}
