// `npm run bench:engines [-- --engine cuda --engine onnxruntime --count 400]`: one table of engines: pictures per second of
// `plainview label`, and instances per second that the whole service decides on a fake Orthanc, from its change log to the labels,
// with the time of one instance by stage. The fake renders slowly: compare
// `infer` and `label`. The engines must decide the same.
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { z } from 'zod';
import { createClassifier } from '../src/classify/classifier.js';
import { type EngineName, engineNames } from '../src/classify/engines/engine.js';
import { labelFiles } from '../src/commands/label-files.js';
import { shipped } from '../src/files/places.js';
import { networkFiles } from '../src/networks/classifier-options.js';
import { freePort } from '../src/sandbox/ports.js';
import { type GreyPicture, radiograph } from '../testkit/dicom.js';
import { startFakeOrthanc } from '../testkit/fake-orthanc.js';
import { startServiceProcess } from '../testkit/service-process.js';
import { waitFor } from '../testkit/wait-for.js';

const { values } = parseArgs({
  options: {
    engine: { type: 'string', multiple: true, default: ['cuda', 'onnxruntime'] },
    count: { type: 'string', default: '400' },
  },
});
const { engine: engines, count } = z
  .object({ engine: z.array(z.enum(engineNames)), count: z.coerce.number().int().min(1) })
  .parse(values);

const samples = ['chest_composite.png', 'chest_part.png', 'chest_composite_2.png', 'chest_part_2.png'].map(
  (name) => shipped('samples', name),
);
async function* repeated(times: number) {
  for (let i = 0; i < times; i++) yield { path: samples[i % samples.length] ?? '' };
}

/** @returns pictures per second */
async function label(engine: EngineName): Promise<number> {
  const classifier = await createClassifier({
    ...networkFiles({ network: 'embedded' }),
    engine,
    workers: 0,
    maxMegapixels: 100,
  });
  const run = async (times: number) => {
    const began = performance.now();
    for await (const labelled of labelFiles(repeated(times), classifier, 4 * availableParallelism()))
      if ('error' in labelled) throw labelled.error;
    return (1000 * times) / (performance.now() - began);
  };
  try {
    // Workers start on demand.
    await run(40);
    return await run(count);
  } finally {
    await classifier.close();
  }
}

const pictures = (): Promise<GreyPicture[]> =>
  Promise.all(
    samples.map(async (path) => {
      const { data, info } = await sharp(await readFile(path))
        .greyscale()
        .raw()
        .toBuffer({ resolveWithObject: true });
      return { width: info.width, height: info.height, grey: new Uint8Array(data) };
    }),
  );

const stages = ['render', 'decode', 'prepare', 'infer', 'record'] as const;

/** The whole service decides pictures that were stored before it started. */
async function serve(engine: EngineName, files: readonly Buffer[]) {
  const fake = await startFakeOrthanc();
  try {
    const ids = files.map((file) => fake.store(file).ID);
    const concurrency = '16';
    const service = await startServiceProcess({
      orthanc: fake.url,
      port: await freePort(),
      secret: 'for this benchmark only',
      env: {
        PLAINVIEW_ENGINE: engine,
        PLAINVIEW_NETWORK: 'embedded',
        PLAINVIEW_CONCURRENCY: concurrency,
        PLAINVIEW_BACKLOG_CONCURRENCY: concurrency,
        PLAINVIEW_SWEEP: 'off',
      },
    });
    try {
      const categories = () => ids.map((id) => fake.metadata(id).RadiographCategory);
      // The first ones start the workers.
      const left = () => categories().filter((category) => category === undefined).length;
      await waitFor(() => left() <= files.length - 8, { timeout: 120_000 });
      const [leftThen, began] = [left(), performance.now()];
      await waitFor(() => left() === 0, { timeout: 600_000 });
      const perSecond = (1000 * leftThen) / (performance.now() - began);
      const millisecondsOf = async (stage: (typeof stages)[number]) => {
        const of = (what: string) => service.metric(`plainview_stage_seconds_${what}{stage="${stage}"}`);
        return [`${stage}, ms`, ((1000 * (await of('sum'))) / (await of('count'))).toFixed(1)];
      };
      const byStage = Object.fromEntries(await Promise.all(stages.map(millisecondsOf)));
      return { perSecond, byStage, categories: categories() };
    } finally {
      await service.discard();
    }
  } finally {
    await fake.stop();
  }
}

console.log(`${cpus()[0]?.model}, ${availableParallelism()} cores; ${count} pictures`);
const four = await pictures();
const files = Array.from({ length: Math.ceil(count / samples.length) }, () =>
  four.map((each) => radiograph(each)),
)
  .flat()
  .slice(0, count);
const table: Record<string, Record<string, string>> = {};
const decided: string[] = [];
for (const engine of engines) {
  const labelled = await label(engine);
  const { perSecond, byStage, categories } = await serve(engine, files);
  decided.push(categories.join());
  table[engine] = {
    'label, pictures/s': labelled.toFixed(1),
    'service, instances/s': perSecond.toFixed(1),
    ...byStage,
  };
}
console.table(table);
if (new Set(decided).size > 1) throw new Error('The engines decided otherwise.');
