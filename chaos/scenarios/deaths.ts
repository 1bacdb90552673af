import { shuffled } from '../../testkit/random.js';
import type { ServiceProcess } from '../../testkit/service-process.js';
import { waitFor } from '../../testkit/wait-for.js';
import { type Archive, withArchive } from '../archive.js';
import { audit, countUndecided } from '../audit.js';
import { type Report, type Scenario, type ScenarioOptions, sized } from '../report.js';
import { smallPictures, type TestInstance, testInstances } from '../test-instances.js';
import { Uploader } from '../uploader.js';

const title = 'One of three services is killed while it works';
const perDeath = 10;
const kinds = ['leader', 'worker'] as const;
type Kind = (typeof kinds)[number];

interface Times {
  /** From a death to the first label of what was stored after it. */
  first: number[];
  /** From a death until all are labelled that were in work or waited. */
  held: number[];
}

/** How long radiographs wait when a leader dies, and when another service does. */
export const deaths: Scenario = async (options) =>
  (await withArchive({ services: 3 }, (archive) => run(archive, options))) ?? {
    title: `${title}: left out, PostgreSQL is not installed`,
    rows: {},
    violations: [],
  };

async function run(archive: Archive, options: ScenarioOptions): Promise<Report> {
  const { random, log } = options;
  const { urls, services } = archive;
  const url = urls[0] ?? '';
  const each = sized(20, options);
  const order = shuffled(
    kinds.flatMap((kind) => Array<Kind>(each).fill(kind)),
    random,
  );
  const items = testInstances('deaths', 2 * perDeath * order.length, await smallPictures(12, random), random);
  const uploader = new Uploader(...urls);
  const batch = async (files: readonly TestInstance[]) => {
    const before = new Set(uploader.stored.keys());
    await uploader.send(files);
    return new Map([...uploader.stored].filter(([id]) => !before.has(id)));
  };
  const wait = (what: string, condition: () => Promise<boolean>) =>
    waitFor(condition, { what, timeout: 180_000, everyMs: 20 });
  const times: Record<Kind, Times> = { leader: { first: [], held: [] }, worker: { first: [], held: [] } };
  for (const [index, kind] of order.entries()) {
    await wait('all services', async () => (await Promise.all(services.map(isUp))).every(Boolean));
    const leader = await archive.leader();
    const others = services.filter((service) => service !== leader);
    const victim = kind === 'leader' ? leader : (others[Math.floor(random() * others.length)] ?? leader);
    const start = 2 * perDeath * index;
    const held = await batch(items.slice(start, start + perDeath));
    await archive.kill(victim);
    const died = performance.now();
    const later = await batch(items.slice(start + perDeath, start + 2 * perDeath));
    const radiographs = [...later.values()].filter(({ expected }) => expected !== 'untouched').length;
    // Of ten instances, eight are radiographs.
    if (radiographs > 0) {
      await wait('the first label', async () => (await countUndecided(url, later)) < radiographs);
      times[kind].first.push(performance.now() - died);
    }
    await wait('what was in work', async () => (await countUndecided(url, held)) === 0);
    times[kind].held.push(performance.now() - died);
    await wait('all labels', async () => (await countUndecided(url, later)) === 0);
    log(`death ${index + 1} of ${order.length}, a ${kind}: ${Math.round(times[kind].first.at(-1) ?? 0)} ms`);
  }
  await archive.stopServices();
  const found = await audit(url, { instances: uploader.stored });
  const at = (values: readonly number[], share: number) =>
    Math.round(values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? Number.NaN);
  const row = ({ first, held }: Times) => ({
    deaths: held.length,
    'ms to the next label, p50': at(first, 0.5),
    p95: at(first, 0.95),
    'ms to the last label of before, p50': at(held, 0.5),
    'p95 ': at(held, 0.95),
  });
  return {
    title,
    rows: { leader: row(times.leader), 'another service': row(times.worker) },
    violations: [...found.violations, ...services.flatMap((service) => service.faults())],
  };
}

/** Whether it works. */
async function isUp({ url }: ServiceProcess): Promise<boolean> {
  try {
    return (await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false; // it starts
  }
}
