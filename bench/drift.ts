// `npm run bench:drift [-- --pictures 400 --stations 100 --days 250 --per-day 50 --seed 1]`: how often the watch over stations
// finds a change where there is none, and how soon one that is there. The embedded network sees real radiographs, as they
// are and changed; streams of stations are drawn from what it said.
import { parseArgs } from 'node:util';
import sharp, { type Sharp } from 'sharp';
import { z } from 'zod';
import { createClassifier } from '../src/classify/classifier.js';
import { type Decision, decide } from '../src/classify/decide.js';
import { binOf } from '../src/drift/past.js';
import { newStation, observe } from '../src/drift/station.js';
import { networkFiles } from '../src/networks/classifier-options.js';
import { instanceId } from '../src/orthanc/ids.js';
import { radiographs } from '../testkit/classify/pictures.js';
import { seeded } from '../testkit/random.js';

const { values } = parseArgs({
  options: {
    pictures: { type: 'string', default: '400' },
    stations: { type: 'string', default: '100' },
    days: { type: 'string', default: '250' },
    'per-day': { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
  },
});
const integer = z.coerce.number().int().min(1);
const options = z
  .object({
    pictures: integer,
    stations: integer,
    days: integer,
    'per-day': integer,
    seed: z.coerce.number().int(),
  })
  .parse(values);

const changes: [name: string, change: (picture: Sharp) => Sharp][] = [
  ['turned by 90°', (picture) => picture.rotate(90)],
  ['another look: darker, less contrast, softer', (picture) => picture.linear(0.45, 10).blur(1.5)],
  ['inverted', (picture) => picture.negate()],
];

type Seen = Pick<Decision, 'decision' | 'top'>;

const random = seeded(options.seed);
const instance = instanceId.parse('00000000-00000000-00000000-00000000-00000000');

/** Resolves with what the network says of the pictures. */
async function classified(files: readonly string[], change: (picture: Sharp) => Sharp): Promise<Seen[]> {
  const classifier = await createClassifier({
    ...networkFiles({ network: 'embedded', labels: undefined }),
    engine: 'auto',
    workers: 1,
  });
  const seen: Seen[] = [];
  for (const file of files) {
    const { scores } = await classifier.classify(await change(sharp(file)).png().toBuffer());
    seen.push(decide(scores, classifier.network));
  }
  await classifier.close();
  return seen;
}

/** @returns after how many pictures a change was found, with its signal; undefined where none was */
function first(of: ReturnType<typeof newStation>, from: readonly Seen[], most: number) {
  for (let n = 1; n <= most; n++) {
    const { decision, top } = from[Math.floor(random() * from.length)] ?? { decision: 'failed', top: [] };
    const what = {
      unsure: decision === 'needs_review',
      unknown: decision === 'unknown_view',
      bin: binOf(top[0]?.score ?? 0),
    };
    const [found] = observe(of, { instance, category: top[0]?.category ?? '', when: '', what });
    if (found !== undefined) return { n, found };
  }
  return undefined;
}

const files = radiographs(options.pictures);
if (files.length === 0) process.exit(0);
console.log(`${files.length} radiographs, embedded network`);
const asIs = await classified(files, (picture) => picture);

const year = options.days * options['per-day'];
const alarms: string[] = [];
for (let station = 0; station < options.stations; station++) {
  for (let left = year; left > 0; ) {
    const result = first(newStation('bench', 'a'), asIs, left);
    if (result === undefined) break;
    alarms.push(`${result.found.signal}${result.found.category === undefined ? '' : ' in a category'}`);
    left -= result.n;
  }
}
console.log(
  `false alarms: ${alarms.length} in ${options.stations} station-years of ${year} pictures (${[...new Set(alarms)].join(', ') || 'none'})`,
);

for (const [name, change] of changes) {
  const changed = await classified(files, change);
  const delays = Array.from({ length: options.stations }, () => {
    const station = newStation('bench', 'a');
    first(station, asIs, 2200);
    return first(station, changed, year)?.n ?? Number.POSITIVE_INFINITY;
  }).sort((a, b) => a - b);
  const at = (share: number) => delays[Math.ceil(share * delays.length) - 1];
  const share = (of: readonly Seen[]) =>
    `${Math.round((100 * of.filter(({ decision }) => decision === 'category').length) / of.length)} %`;
  console.log(
    `${name}: given a category ${share(asIs)} before, ${share(changed)} after; found after ${at(0.5)} pictures in half of the stations, ${at(0.95)} in 19 of 20`,
  );
}
