// `npm run bench:label [-- --count 1000 --engine auto --workers 0 --seed 1 --shadow --precision int8] [picture...]`: speed of `plainview label`
// on many pictures. `--shadow` also shows what a shadow network costs: the same pictures with and without it, in turns. It runs the command's own code, without output. Each format runs with all workers, and with one
// worker on a quarter of the pictures. Compare the ratios within one run: absolute figures depend on the machine.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp, { type Sharp } from 'sharp';
import { z } from 'zod';
import { type Classifier, createClassifier } from '../src/classify/classifier.js';
import { engineChoices } from '../src/classify/engines/engine.js';
import type { NetworkSource } from '../src/classify/network.js';
import { precisions } from '../src/classify/precision.js';
import { labelFiles } from '../src/commands/label-files.js';
import { networkFiles } from '../src/networks/classifier-options.js';
import { seeded } from '../testkit/random.js';
import { sum } from './statistics.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '1000' },
    engine: { type: 'string', default: 'auto' },
    workers: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    shadow: { type: 'boolean', default: false },
    precision: { type: 'string', default: 'float32' },
  },
});
const { count, engine, workers, seed, shadow, precision } = z
  .object({
    count: z.coerce.number().int().min(4),
    engine: z.enum(engineChoices),
    workers: z.coerce.number().int().min(0),
    seed: z.coerce.number().int(),
    shadow: z.boolean(),
    precision: z.enum(precisions),
  })
  .parse(values);

/** A synthetic grey picture: soft shapes with noise, so that it compresses like a radiograph. */
async function syntheticPicture(width: number, height: number, random: () => number): Promise<Sharp> {
  const coarse = Buffer.from(Array.from({ length: 12 * 15 }, () => 40 + 180 * random()));
  const soft = await sharp(coarse, { raw: { width: 12, height: 15, channels: 1 } })
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .toColourspace('b-w')
    .raw()
    .toBuffer();
  for (let i = 0; i < soft.length; i++) soft[i] = Math.min((soft[i] ?? 0) + 8 * random(), 255);
  return sharp(soft, { raw: { width, height, channels: 1 } });
}

interface Format {
  name: string;
  width: number;
  height: number;
  write: (picture: Sharp, width: number, height: number) => Promise<Buffer>;
}
const jpeg = (picture: Sharp) => picture.jpeg({ quality: 92 }).toBuffer();
const formats: Format[] = [
  { name: 'JPEG 320×384', width: 320, height: 384, write: jpeg },
  { name: 'JPEG 2500×3000', width: 2500, height: 3000, write: jpeg },
  { name: 'PNG 2500×3000', width: 2500, height: 3000, write: (picture) => picture.png().toBuffer() },
  {
    name: 'PAM 2500×3000',
    width: 2500,
    height: 3000,
    write: async (picture, width, height) => {
      const header = `P7\nWIDTH ${width}\nHEIGHT ${height}\nDEPTH 1\nMAXVAL 255\nTUPLTYPE GRAYSCALE\nENDHDR\n`;
      return Buffer.concat([Buffer.from(header), await picture.toColourspace('b-w').raw().toBuffer()]);
    },
  },
];

/** A few different files of one format. A run repeats them. */
async function writeFiles(folder: string, { name, width, height, write }: Format): Promise<string[]> {
  const random = seeded(seed);
  const paths: string[] = [];
  for (let i = 0; i < 8; i++) {
    const path = join(folder, `${name.replace(/\W/g, '-')}-${i}`);
    await writeFile(path, await write(await syntheticPicture(width, height, random), width, height));
    paths.push(path);
  }
  return paths;
}

async function* repeated(paths: readonly string[], times: number) {
  for (let i = 0; i < times; i++) yield { path: paths[i % paths.length] ?? '' };
}

interface Result {
  perSecond: number;
  seconds: { decode: number; prepare: number; infer: number };
}

async function run(classifier: Classifier, paths: readonly string[], times: number): Promise<Result> {
  const stages = { decode: [] as number[], prepare: [] as number[], infer: [] as number[] };
  const began = performance.now();
  for await (const labelled of labelFiles(repeated(paths, times), classifier, 4 * availableParallelism())) {
    if ('error' in labelled) throw labelled.error;
    const { seconds } = labelled.classification;
    for (const stage of ['decode', 'prepare', 'infer'] as const) stages[stage].push(seconds[stage]);
  }
  const elapsed = (performance.now() - began) / 1000;
  const { decode, prepare, infer } = stages;
  return {
    perSecond: times / elapsed,
    seconds: { decode: sum(decode) / times, prepare: sum(prepare) / times, infer: sum(infer) / times },
  };
}

function row(all: Result, one: Result) {
  const { decode, prepare, infer } = all.seconds;
  const total = decode + prepare + infer;
  const part = (seconds: number) =>
    `${(1000 * seconds).toFixed(1)} ms, ${Math.round((100 * seconds) / total)} %`;
  return {
    'images/s': all.perSecond.toFixed(1),
    'against one worker': (all.perSecond / one.perSecond).toFixed(2),
    decode: part(decode),
    prepare: part(prepare),
    infer: part(infer),
  };
}

const start = (threads: number, second?: NetworkSource) =>
  createClassifier({
    ...networkFiles({ network: 'embedded' }),
    engine,
    precision,
    workers: threads,
    maxMegapixels: 1000,
    shadow: second,
  });

const folder = await mkdtemp(join(tmpdir(), 'bench-label-'));
const [many, single] = [await start(workers), await start(1)];
const shadowed = shadow ? await start(workers, await anotherFile()) : undefined;
/** The file of the embedded network with a field that nobody knows: another network that computes the same. */
async function anotherFile(): Promise<NetworkSource> {
  const { graph, labels } = networkFiles({ network: 'embedded', labels: undefined });
  const path = join(folder, 'shadow.pb');
  await writeFile(path, Buffer.concat([await readFile(graph), Buffer.from([0x78, 0x01])]));
  return { graph: path, labels };
}

/** @returns the median of the ratios of five turns */
async function costOf(second: Classifier, files: readonly string[]): Promise<string> {
  await run(second, files, 40);
  const ratios: number[] = [];
  for (let turn = 0; turn < 5; turn++) {
    const times = Math.ceil(count / 5);
    const without = await run(many, files, times);
    ratios.push((await run(second, files, times)).perSecond / without.perSecond);
  }
  const sorted = ratios.sort((a, b) => a - b);
  return `${sorted[2]?.toFixed(2)} (${sorted[0]?.toFixed(2)} to ${sorted[4]?.toFixed(2)})`;
}

try {
  console.log(
    `${cpus()[0]?.model}, ${availableParallelism()} cores; ${many.engine.engine}: ${many.engine.device}`,
  );
  const table: Record<string, ReturnType<typeof row> & { 'with shadow'?: string }> = {};
  const sets =
    positionals.length > 0
      ? [{ name: `${positionals.length} files given`, paths: async () => positionals }]
      : formats.map((format) => ({ name: format.name, paths: () => writeFiles(folder, format) }));
  for (const { name, paths } of sets) {
    const files = await paths();
    // Warm-up: threads start on demand, and the JIT compiles hot code. Neither should be measured.
    await run(many, files, 40);
    await run(single, files, 20);
    table[name] = {
      ...row(await run(many, files, count), await run(single, files, Math.ceil(count / 4))),
      ...(shadowed === undefined ? {} : { 'with shadow': await costOf(shadowed, files) }),
    };
  }
  console.table(table);
} finally {
  await Promise.all([many.close(), single.close(), shadowed?.close()]);
  await rm(folder, { recursive: true });
}
