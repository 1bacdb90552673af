// `npm run bench:tags [-- --rounds 5 --instances 60 --against ../older/dist/cli.js --seed 1]`: what PLAINVIEW_TAGS costs.
// In each round, radiographs are stored, four at a time, until the last is decided and its file changed: without tags, with
// them, and by the build that `--against` names; in random order. Then Orthanc alone makes the same changes to the files,
// which loses all user data. Last, a round through a proxy counts the calls. Compare the ratios within one run.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import pMap from 'p-map';
import { z } from 'zod';
import { type SandboxOrthanc, startOrthanc } from '../src/sandbox/orthanc.js';
import { freePort } from '../src/sandbox/ports.js';
import { cliFile } from '../testkit/cli.js';
import { uid } from '../testkit/dicom.js';
import { startFaultyProxy } from '../testkit/faulty-proxy.js';
import { storeInstance } from '../testkit/orthanc.js';
import { seeded, shuffled } from '../testkit/random.js';
import { ServiceProcess } from '../testkit/service-process.js';
import { asTested } from '../testkit/variants.js';
import { waitFor } from '../testkit/wait-for.js';
import { median, sum } from './statistics.js';
import { makeExposure, newInstance } from './store/pictures.js';

const count = z.coerce.number().int().min(1);
const { rounds, instances, against, seed } = z
  .object({ rounds: count, instances: count, against: z.string().optional(), seed: z.coerce.number().int() })
  .parse(
    parseArgs({
      options: {
        rounds: { type: 'string', default: '5' },
        instances: { type: 'string', default: '60' },
        against: { type: 'string' },
        seed: { type: 'string', default: '1' },
      },
    }).values,
  );

const random = seeded(seed);
const exposure = await makeExposure({ rows: 500, columns: 400, bitsStored: 12 }, random);

interface Build {
  name: string;
  tags: 'off' | 'replace';
  cli: string;
}

interface Setup extends Build {
  orthanc: SandboxOrthanc;
  service: ServiceProcess;
  /** What Orthanc was asked, by kind. */
  calls: Map<string, number>;
  stored: string[];
  seconds: number[];
  /** Of the processor, by Orthanc. */
  work: number[];
  close: () => Promise<void>;
}

/** Two pictures in each study. */
const store = (url: string, name: string): Promise<string[]> =>
  pMap(
    Array.from({ length: instances }, (_, n) => `${name} ${Math.floor(n / 2)}`),
    async (study) => {
      const file = newInstance(exposure, { patientId: `BENCH-${study}`, study: uid(`${url} ${study}`) });
      return (await storeInstance(url, file)).orthancId;
    },
    { concurrency: 4 },
  );

async function open(build: Build, isCounted = false): Promise<Setup> {
  const [port, secret] = [await freePort(), randomUUID()];
  const hook = { url: `http://127.0.0.1:${port}/hook`, secret };
  const orthanc = await startOrthanc(await asTested({ hook, configuration: { OverwriteInstances: true } }));
  const proxy = isCounted ? await startFaultyProxy(orthanc.url) : undefined;
  const calls: Setup['calls'] = new Map();
  if (proxy !== undefined)
    proxy.decide = ({ method, url }) => {
      const kind = kindOf(method, url);
      calls.set(kind, (calls.get(kind) ?? 0) + 1);
      return 'pass';
    };
  const service = new ServiceProcess({
    orthanc: proxy?.url ?? orthanc.url,
    port,
    secret,
    cli: build.cli,
    env: {
      PLAINVIEW_TAGS: build.tags,
      PLAINVIEW_LOG_LEVEL: 'error',
      PLAINVIEW_WORKERS: '1',
      // Every picture gets a category, and so tags.
      PLAINVIEW_THRESHOLD: '0',
      PLAINVIEW_MARGIN: '0',
      PLAINVIEW_UNKNOWN_BELOW: '0',
    },
  });
  service.start();
  await service.ready();
  const close = async () => {
    await service.discard();
    await proxy?.stop();
    await orthanc.discard();
  };
  return { ...build, orthanc, service, calls, stored: [], seconds: [], work: [], close };
}

async function measure(setup: Setup, round: string): Promise<void> {
  const { orthanc, service, stored } = setup;
  const [began, before] = [performance.now(), processorSeconds(orthanc)];
  stored.push(...(await store(orthanc.url, round)));
  const isDone = async () => {
    if ((await service.metric('plainview_stage_seconds_count{stage="total"}')) < stored.length) return false;
    const states = ['waiting', 'running', 'delayed'];
    const jobs = states.map((state) => service.metric(`plainview_queue_jobs{state="${state}"}`));
    return sum(await Promise.all(jobs)) === 0;
  };
  await waitFor(isDone, { what: 'the last decision', timeout: 600_000, everyMs: 50 });
  setup.seconds.push((performance.now() - began) / 1000);
  setup.work.push(processorSeconds(orthanc) - before);
}

async function requireTags({ orthanc: { url }, stored }: Setup): Promise<void> {
  for (const id of stored) {
    const record = await fetch(`${url}/instances/${id}/metadata/RadiographTags`);
    const tags: unknown = await (await fetch(`${url}/instances/${id}/simplified-tags`)).json();
    const hasTags = typeof tags === 'object' && tags !== null && 'AnatomicRegionSequence' in tags;
    if (!record.ok || !hasTags) throw new Error(`${id} has no tags: ${record.status} ${await record.text()}`);
  }
}

/** One after the other. @returns seconds, and those of the processor */
async function orthancAlone(): Promise<[number, number]> {
  const orthanc = await startOrthanc(await asTested({ configuration: { OverwriteInstances: true } }));
  try {
    const ids = await store(orthanc.url, 'alone');
    const [began, before] = [performance.now(), processorSeconds(orthanc)];
    for (const id of ids) {
      const edit = { Replace: { BodyPartExamined: 'CHEST' }, Keep: ['SOPInstanceUID'], Force: true };
      const request = { method: 'POST', body: JSON.stringify(edit) };
      const edited = await fetch(`${orthanc.url}/instances/${id}/modify`, request);
      await storeInstance(orthanc.url, new Uint8Array(await edited.arrayBuffer()));
    }
    return [(performance.now() - began) / 1000, processorSeconds(orthanc) - before];
  } finally {
    await orthanc.discard();
  }
}

/** Of the processor, since the start of the process; in ticks of a hundredth (proc_pid_stat(5)). */
function processorSeconds({ pid }: SandboxOrthanc): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const kindOf = (method: string, url: string): string =>
  `${method} ${url
    .replace(/\?.*/, '')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{8}){4}/g, '…')
    .replace(/\/labels\/.*/, '/labels/…')}`;

const builds: Build[] = [
  { name: 'without tags', tags: 'off', cli: cliFile },
  { name: 'with tags', tags: 'replace', cli: cliFile },
  ...(against === undefined
    ? []
    : [
        { name: 'without tags, other build', tags: 'off' as const, cli: against },
        { name: 'with tags, other build', tags: 'replace' as const, cli: against },
      ]),
];
const setups: Setup[] = [];
try {
  for (const build of builds) setups.push(await open(build));
  for (const setup of setups) {
    await measure(setup, 'warm-up');
    setup.seconds.pop();
    setup.work.pop();
  }
  for (let round = 1; round <= rounds; round++) {
    for (const setup of shuffled(setups, random)) await measure(setup, String(round));
    console.error(`round ${round} of ${rounds}`);
  }
  for (const setup of setups) if (setup.tags !== 'off') await requireTags(setup);
} finally {
  for (const { close } of setups) await close();
}
const [seconds, work] = await orthancAlone();
const each = (values: readonly number[]) => (1000 * median(values)) / instances;
const least = setups[0]?.seconds ?? [];
console.log(`\nMilliseconds for a radiograph of 400 kB, two in each study; ${rounds} rounds of ${instances}`);
console.table(
  Object.fromEntries([
    ...setups.map((setup) => [
      setup.name,
      {
        'ms each': each(setup.seconds).toFixed(1),
        ratio: median(setup.seconds.map((one, n) => one / (least[n] ?? Number.NaN))).toFixed(2),
        "Orthanc's processor, ms": each(setup.work).toFixed(1),
      },
    ]),
    [
      'Orthanc alone: modify, store',
      { 'ms each': each([seconds]).toFixed(1), "Orthanc's processor, ms": each([work]).toFixed(1) },
    ],
  ]),
);
const counted: Setup[] = [];
for (const build of builds) {
  const setup = await open(build, true);
  try {
    await measure(setup, 'counted');
  } finally {
    await setup.close();
  }
  counted.push(setup);
}
const kinds = [...new Set(counted.flatMap(({ calls }) => [...calls.keys()]))];
const row = (of: (calls: Setup['calls']) => number) =>
  Object.fromEntries(counted.map(({ name, calls }) => [name, (of(calls) / instances).toFixed(2)]));
console.log('\nCalls of Orthanc for each radiograph');
console.table(
  Object.fromEntries([
    ['all', row((calls) => sum([...calls.values()]))],
    ...kinds.map((kind) => [kind, row((calls) => calls.get(kind) ?? 0)]),
  ]),
);
