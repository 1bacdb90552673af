// `npm run bench:train [-- --data folder --pictures 500,2000]`: how long `plainview train --orthanc` takes with what people
// have said of so many pictures, on a real Orthanc, with a new folder of features, and again with those that are kept now. It
// prints the ratio to what Orthanc needs to render the same pictures one after another. Needs labelled radiographs
// (RADIOGRAPHS, else ../shared/data/radiographs).
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pMap from 'p-map';
import sharp from 'sharp';
import { z } from 'zod';
import { loadConfig } from '../src/config/load.js';
import { readGroundTruth } from '../src/evaluate/read-ground-truth.js';
import { shipped } from '../src/files/places.js';
import { startOrthanc } from '../src/sandbox/orthanc.js';
import { freePort } from '../src/sandbox/ports.js';
import { callApi } from '../testkit/api.js';
import { plainview } from '../testkit/cli.js';
import { radiograph, uid } from '../testkit/dicom.js';
import { storeInstance } from '../testkit/orthanc.js';
import { seeded, shuffled } from '../testkit/random.js';
import { Reader } from '../testkit/service.js';
import { ServiceProcess } from '../testkit/service-process.js';
import { waitFor } from '../testkit/wait-for.js';

const { data, pictures } = z
  .object({ data: z.string(), pictures: z.string().transform((text) => text.split(',').map(Number)) })
  .parse(
    parseArgs({
      options: {
        data: {
          type: 'string',
          default: process.env.RADIOGRAPHS ?? shipped('..', 'shared', 'data', 'radiographs'),
        },
        pictures: { type: 'string', default: '500,2000' },
      },
    }).values,
  );
if (!existsSync(data)) {
  console.error(`There are no radiographs in ${data}. Name their folder with --data.`);
  process.exit(1);
}

const truth = await readGroundTruth(data, { file: 'file', label: 'label', by: 'source' }, loadConfig({}));
const order = shuffled(truth.pictures, seeded(1));
const folder = await mkdtemp(join(tmpdir(), 'plainview-bench-train-'));
const secret = 'bench-bench-bench-bench';
const port = await freePort();
const orthanc = await startOrthanc({ hook: { url: `http://127.0.0.1:${port}/hook`, secret } });
const service = new ServiceProcess({ orthanc: orthanc.url, port, secret });
const reader = new Reader(orthanc.url);

/** Stores a film in its size, as a modality stores it, and has a person name it. */
async function storeAndName({ id, label, patient = id }: (typeof order)[number]): Promise<string> {
  const file = await truth.read({ id, label });
  const { data: grey, info } = await sharp(file).greyscale().raw().toBuffer({ resolveWithObject: true });
  const film = { width: info.width, height: info.height, grey: new Uint8Array(grey) };
  const uids = {
    studyInstanceUid: uid(patient),
    seriesInstanceUid: uid(id),
    sopInstanceUid: uid(`${id} film`),
  };
  const { orthancId } = await storeInstance(orthanc.url, radiograph(film, { patientId: patient, ...uids }));
  const record = await waitFor(async () => reader.record(orthancId), { timeout: 600_000, everyMs: 50 });
  const body = { category: label === 'other' ? null : label, of: record.when };
  const { status } = await callApi(service, 'PUT', `/instances/${orthancId}/decision`, { body });
  if (status !== 200) throw new Error(`The correction of ${id} was answered with ${status}.`);
  return orthancId;
}

async function train(name: string, stateDir: string): Promise<{ seconds: number; status: number | null }> {
  const began = performance.now();
  const command = plainview(['train', '--orthanc', '--name', name], {
    PLAINVIEW_ORTHANC_URL: orthanc.url,
    PLAINVIEW_SECRET: secret,
    PLAINVIEW_PORT: String(port),
    PLAINVIEW_STATE_DIR: stateDir,
  });
  const status = await command.ended;
  if (status !== 0 && status !== 1) throw new Error(command.out());
  return { seconds: (performance.now() - began) / 1000, status };
}

const table: Record<string, Record<string, number | string>> = {};
try {
  service.start();
  await service.ready();
  const stored: string[] = [];
  for (const size of pictures) {
    const more = order.slice(stored.length, size);
    stored.push(...(await pMap(more, storeAndName, { concurrency: 4 })));
    const stateDir = join(folder, String(size));
    const began = performance.now();
    for (const id of stored) await (await fetch(`${orthanc.url}/instances/${id}/rendered`)).arrayBuffer();
    const rendering = (performance.now() - began) / 1000;
    const cold = await train(`cold-${size}`, stateDir);
    const warm = await train(`warm-${size}`, stateDir);
    table[`${stored.length} pictures`] = {
      'new, s': cold.seconds.toFixed(0),
      'features kept, s': warm.seconds.toFixed(0),
      'rendering alone, s': rendering.toFixed(0),
      'new to rendering': (cold.seconds / rendering).toFixed(1),
      written: cold.status === 0 ? 'yes' : 'no: not better',
    };
    console.table(table);
  }
} finally {
  await service.stop();
  await service.discard();
  await orthanc.discard();
  await rm(folder, { recursive: true });
}
