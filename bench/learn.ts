// `npm run bench:learn [-- --data folder --cache folder --seeds 5 --corrections 10,50,200,1000 --network file --only file]`:
// what a network learns from a site. Needs labelled radiographs (RADIOGRAPHS, else ../shared/data/radiographs). Features
// are computed once and kept in the cache.
//
// The embedded network was trained on these pictures, so their own source is no site that it does not know. The site is
// simulated: the films of one source with a strong, seeded change of look, as if they came from a new device. The other
// devices of the site make films as they are (`home`). What the network knows of these films remains, so a real site can begin lower
// and learn more, or less. Another network of the family that has seen none of the pictures which a file of ids names, one a
// line, shows it: then a source that it has not seen is also a site as it is.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { z } from 'zod';
import { createClassifier } from '../src/classify/classifier.js';
import { decide } from '../src/classify/decide.js';
import { startWasm } from '../src/classify/engines/wasm.js';
import { FeatureCache } from '../src/classify/feature-cache.js';
import { softmax, throughDense } from '../src/classify/graph/last-layer.js';
import { readStartingNetwork } from '../src/classify/starting-network.js';
import { loadConfig } from '../src/config/load.js';
import { percent } from '../src/evaluate/format.js';
import type { LabelledPicture } from '../src/evaluate/ground-truth.js';
import { readGroundTruth } from '../src/evaluate/read-ground-truth.js';
import { groupBy } from '../src/evaluate/statistics.js';
import { shipped } from '../src/files/places.js';
import { samplesOf } from '../src/learn/features.js';
import { shuffled } from '../src/learn/folds.js';
import { type Head, headOf } from '../src/learn/head.js';
import { patientOf, type Sample } from '../src/learn/sample.js';
import { train } from '../src/learn/train.js';
import { networkFiles } from '../src/networks/classifier-options.js';
import { seeded } from '../testkit/random.js';

const { values } = parseArgs({
  options: {
    data: {
      type: 'string',
      default: process.env.RADIOGRAPHS ?? shipped('..', 'shared', 'data', 'radiographs'),
    },
    cache: { type: 'string', default: '/tmp/plainview-bench-learn' },
    seeds: { type: 'string', default: '5' },
    corrections: { type: 'string', default: '10,50,200,1000' },
    network: { type: 'string', default: 'embedded' },
    only: { type: 'string' },
  },
});
const { data, cache, seeds, corrections, network, only } = z
  .object({
    data: z.string(),
    cache: z.string(),
    seeds: z.coerce.number().int().min(1),
    corrections: z.string().transform((text) => text.split(',').map(Number)),
    network: z.string(),
    only: z.string().optional(),
  })
  .parse(values);
if (!existsSync(data)) {
  console.error(`There are no radiographs in ${data}. Name their folder with --data.`);
  process.exit(1);
}

/** How a site's films look. */
interface Look {
  /** Longest side of the film before it is enlarged again, pixels. */
  readonly detail: number;
  readonly gamma: number;
  readonly isInverted: boolean;
  readonly low: number;
  readonly high: number;
  readonly noise: number;
  /** Empty plate around the film, as a share of the film. */
  readonly plate: number;
  readonly turn: number;
}
const looks: Readonly<Record<string, Look>> = {
  pale: { detail: 64, gamma: 0.5, isInverted: true, low: 0.1, high: 0.8, noise: 0.25, plate: 0.5, turn: 0 },
  tilted: {
    detail: 384,
    gamma: 2.5,
    isInverted: false,
    low: 0.1,
    high: 0.7,
    noise: 0.06,
    plate: 0.4,
    turn: 25,
  },
};

/** Looks that nobody chose: drawn from what differs between sites. */
const drawn = (seed: number): Look => {
  const random = seeded(seed);
  const between = (low: number, high: number) => low + (high - low) * random();
  return {
    detail: Math.round(between(96, 384)),
    gamma: Math.exp(between(-1, 1)),
    isInverted: random() < 0.3,
    low: between(0, 0.3),
    high: between(0.5, 1),
    noise: between(0, 0.15),
    plate: between(0, 0.6),
    turn: Math.round(between(-25, 25)),
  };
};
const allLooks: Readonly<Record<string, Look>> = {
  ...looks,
  ...Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`drawn ${i + 1}`, drawn(i + 1)])),
};

async function withLook(file: Buffer, look: Look, random: () => number): Promise<Buffer> {
  const { detail, plate, turn } = look;
  const side = { width: 384, height: 384, fit: 'inside' } as const;
  const small = await sharp(file)
    .greyscale()
    .resize({ ...side, width: detail, height: detail })
    .toColourspace('b-w')
    .png()
    .toBuffer();
  const { data: grey, info } = await sharp(small)
    .resize(side)
    .toColourspace('b-w')
    .raw()
    .toBuffer({ resolveWithObject: true });
  for (let i = 0; i < grey.length; i++) {
    const value = ((grey[i] ?? 0) / 255) ** look.gamma;
    const shown = look.isInverted ? 1 - value : value;
    const noise = look.noise * (random() + random() + random() - 1.5);
    grey[i] = Math.min(Math.max((look.low + (look.high - look.low) * shown + noise) * 255, 0), 255);
  }
  const background = look.isInverted ? '#fff' : '#000';
  const raw = { width: info.width, height: info.height, channels: 1 as const };
  const extended = await sharp(grey, { raw })
    .extend({
      top: Math.round(info.height * plate),
      bottom: Math.round(info.height * plate * 0.3),
      left: Math.round(info.width * plate * 0.4),
      right: Math.round(info.width * plate),
      background,
    })
    .png()
    .toBuffer();
  return sharp(extended).rotate(turn, { background }).toColourspace('b-w').png().toBuffer();
}

const files = networkFiles({ network, labels: undefined });
const start = await readStartingNetwork(files);
const old = headOf(start.lastLayer, start.network.classes);
const classifier = await createClassifier({ ...files, engine: 'auto', workers: 0 });
const features = new FeatureCache(cache, start.featuresHash, old.inputs);
const truth = await readGroundTruth(data, { file: 'file', label: 'label', by: 'source' }, loadConfig({}));
const unseen = only === undefined ? undefined : new Set((await readFile(only, 'utf8')).split(/\s+/));
const nameOfFile = ({ id }: LabelledPicture) => id.replace(/^.*\/|\.\w+$/g, '');
const pictures = truth.pictures.filter((picture) => unseen?.has(nameOfFile(picture)) ?? true);

async function samplesWith(
  look: string | undefined,
  pictures: readonly LabelledPicture[],
): Promise<Sample[]> {
  const about = look === undefined ? undefined : allLooks[look];
  const source = {
    pictures,
    keyOf: async ({ id }: LabelledPicture) => JSON.stringify([id, about ?? 'as it is']),
    read: async (picture: LabelledPicture) => {
      const file = await truth.read(picture);
      const number = Number(picture.id.replace(/\D/g, ''));
      return about === undefined ? file : withLook(file, about, seeded(number));
    },
  };
  const { samples } = await samplesOf(source, 'person', classifier, features, 8, () => undefined);
  return samples;
}

function accuracy({ classes, inputs, weights, bias }: Head, samples: readonly Sample[]): number {
  const layer = { inputs, outputs: classes.length, weights, bias, activation: 'linear' } as const;
  const right = samples.filter(({ picture, features }) => {
    const scores = softmax(throughDense(layer, features));
    return classes[scores.indexOf(Math.max(...scores))] === picture.label;
  });
  return right.length / samples.length;
}

/** The category that the network in use gives; undefined where it is unsure. */
function confidentName({ features }: Sample): string | undefined {
  const layer = { ...old, outputs: old.classes.length, activation: 'linear' } as const;
  return decide(softmax(throughDense(layer, features)), start.network).category;
}

/** As `plainview train --orthanc` replays: 60 confident decisions of each category. */
function replayOf(sure: readonly Sample[], people: readonly Sample[]): Sample[] {
  const byName = groupBy(
    sure.filter((sample) => !people.includes(sample)),
    confidentName,
  );
  return [...byName].flatMap(([label = '', members]) =>
    members
      .slice(0, 60)
      .map((sample): Sample => ({ ...sample, from: 'replay', picture: { ...sample.picture, label } })),
  );
}

const tf = await startWasm();
const enough = { pictures: 20, patients: 10 };
const trained = (samples: readonly Sample[], seed: number) =>
  train(tf, start, samples, { enough, labelPrefix: '', seed, onFit: () => undefined });

const spread = (shares: readonly number[]) => {
  const sum = shares.reduce((a, b) => a + b, 0);
  return `${percent(sum / shares.length)} (${percent(Math.min(...shares))}–${percent(Math.max(...shares))})`;
};
const row = (...cells: (string | number)[]) => console.log(`| ${cells.join(' | ')} |`);

const home = await samplesWith(undefined, pictures);
const columns = [
  'site, new device',
  'labelled',
  'new device, held-out patients: before',
  'trained',
  'other devices, held-out patients: before',
  'trained',
  'lost and gained there, all divisions',
  'written',
];
row(...columns);
row(...columns.map(() => '---'));
const once = [200];
const sites = [
  ...Object.keys(looks).map((look) => ({ source: 'unifesp', look, counts: corrections, order: 'any' })),
  ...Object.keys(allLooks)
    .slice(Object.keys(looks).length)
    .map((look) => ({ source: 'unifesp', look, counts: once, order: 'any' })),
  ...Object.keys(looks).map((look) => ({ source: 'unifesp', look, counts: once, order: 'worklist' })),
  { source: 'mura', look: 'pale', counts: [10, 25], order: 'any' },
  ...(unseen ? [{ source: 'mura', look: undefined, counts: [10, 25], order: 'any' }] : []),
];
for (const { source, look, counts, order } of sites) {
  const ofSource = ({ picture }: Sample) => picture.group === source;
  const others = home.filter((sample) => ofSource(sample) === (look !== undefined));
  const device = (await samplesWith(look, pictures)).filter(ofSource);
  for (const count of counts) {
    const results = Array.from({ length: seeds }, (_, i) => {
      const patients = shuffled([...new Set(device.map(patientOf))], (name) => name, i + 1);
      const held = new Set(patients.slice(0, Math.ceil(patients.length * 0.35)));
      const isHeld = (sample: Sample) => held.has(patientOf(sample));
      const isSeen = (sample: Sample) => !isHeld(sample);
      const seen = shuffled(device.filter(isSeen), ({ picture }) => picture.id, i + 1);
      const archive = shuffled([...seen, ...others.filter(isSeen)], ({ picture }) => picture.id, i + 1);
      const sure = archive.filter((sample) => confidentName(sample) !== undefined);
      // On the worklist is what the network is unsure of.
      const people = (order === 'any' ? seen : seen.filter((sample) => !sure.includes(sample))).slice(
        0,
        count,
      );
      const { head, verdict } = trained([...people, ...replayOf(sure, people)], i + 1);
      const [here, there] = [device.filter(isHeld), others.filter(isHeld)];
      const rightBefore = there.map((sample) => accuracy(old, [sample]) === 1);
      const rightAfter = there.map((sample) => accuracy(head, [sample]) === 1);
      return {
        before: accuracy(old, here),
        trained: accuracy(head, here),
        homeBefore: accuracy(old, there),
        homeTrained: accuracy(head, there),
        lost: rightBefore.filter((right, k) => right && rightAfter[k] !== true).length,
        gained: rightAfter.filter((right, k) => right && rightBefore[k] !== true).length,
        isWritten: verdict.objections.length === 0,
        count: people.length,
      };
    });
    const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
    row(
      `${source}, ${look ?? 'as it is'}${order === 'any' ? '' : ', unsure ones'}`,
      results[0]?.count ?? 0,
      spread(results.map(({ before }) => before)),
      spread(results.map(({ trained }) => trained)),
      spread(results.map(({ homeBefore }) => homeBefore)),
      spread(results.map(({ homeTrained }) => homeTrained)),
      `${sum(results.map(({ lost }) => lost))}, ${sum(results.map(({ gained }) => gained))}`,
      `${results.filter(({ isWritten }) => isWritten).length} of ${results.length}`,
    );
  }
}

// New categories: films of none of the categories, which one reader named from contact sheets.
const names = new Map(
  (await readFile(shipped('bench', 'other-views.csv'), 'utf8'))
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',') as [string, string]),
);
const nameOf = ({ picture }: Sample) => names.get(nameOfFile(picture));
const others = home.filter(({ picture }) => picture.label === 'other');
const known = shuffled(
  home.filter(({ picture }) => picture.label !== 'other'),
  ({ picture }) => picture.id,
  1,
).slice(0, 400);
const named = others.map((sample) => ({
  ...sample,
  picture: { ...sample.picture, label: nameOf(sample) ?? 'other' },
}));
const { verdict } = trained([...named, ...known], 1);
console.log();
row('new category', 'pictures', 'sensitivity, held-out patients', 'PPV');
row('---', '---', '---', '---');
for (const { category, n, sensitivity, ppvWithOther } of verdict.newCategories)
  row(category, n, `${percent(sensitivity.share)} (${sensitivity.count})`, percent(ppvWithOther.share));
const { best } = verdict.comparison;
console.log(
  `\nCategories that both know: ${best.first.count} of ${best.n} right before, ${best.second.count} after. Objections: ${verdict.objections.join('; ') || 'none'}.`,
);
await classifier.close();
