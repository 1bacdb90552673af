import { randomUUID } from 'node:crypto';
import type { Stage } from '../../src/metrics/metrics.js';
import { type SandboxOrthanc, startOrthanc } from '../../src/sandbox/orthanc.js';
import { freePort } from '../../src/sandbox/ports.js';
import { shuffled } from '../../testkit/random.js';
import { type ServiceProcess, startServiceProcess } from '../../testkit/service-process.js';
import { waitFor } from '../../testkit/wait-for.js';
import { hasCategory, hasLabel, remove, store, timeoutMs } from './orthanc.js';
import { type Exposure, newInstance } from './pictures.js';

export const stages: readonly Stage[] = [
  'describe',
  'render',
  'decode',
  'prepare',
  'infer',
  'record',
  'total',
];

interface Setup<Name extends string> {
  name: Name;
  orthanc: SandboxOrthanc;
  service: ServiceProcess;
}

/** Durations in milliseconds, one for each instance. */
export interface Latencies {
  /** The upload, until Orthanc's response. */
  upload: number[];
  /** From Orthanc's response until the study has a label. */
  label: number[];
  /** From Orthanc's response until `RadiographCategory` exists, which is written last. */
  category: number[];
  /** Mean duration of each stage of the service, milliseconds. */
  stages: Record<string, number>;
}

/**
 * Stores instances one after the other, each after the previous one is labelled. It alternates between the variants, of
 * which each has an Orthanc of its own.
 */
export async function measureLatency<Name extends string>(options: {
  /** Name → environment variables of its service. */
  variants: ReadonlyMap<Name, Record<string, string>>;
  instances: number;
  exposure: Exposure;
  random: () => number;
  log: (line: string) => void;
}): Promise<ReadonlyMap<Name, Latencies>> {
  const { variants, instances, exposure, random, log } = options;
  const setups: Setup<Name>[] = [];
  const empty = (): Latencies => ({ upload: [], label: [], category: [], stages: {} });
  const measured = new Map([...variants.keys()].map((name) => [name, empty()]));
  const of = ({ name }: Setup<Name>) => measured.get(name) ?? empty();
  try {
    for (const [name, env] of variants) setups.push(await startSetup(name, env));
    // Warm-up: the first instance is slow, because nothing is compiled or cached yet.
    for (const setup of setups) await measureInstance(setup, exposure, empty());
    const before = await Promise.all(setups.map(stageTotals));
    for (let index = 1; index <= instances; index++) {
      for (const setup of shuffled(setups, random)) await measureInstance(setup, exposure, of(setup));
      if (index % 10 === 0) log(`latency: ${index}/${instances}`);
    }
    for (const [index, setup] of setups.entries()) {
      const after = await stageTotals(setup);
      for (const stage of stages) {
        const seconds = (after[stage] ?? 0) - (before[index]?.[stage] ?? 0);
        of(setup).stages[stage] = (1000 * seconds) / instances;
      }
    }
    return measured;
  } finally {
    for (const setup of setups) {
      await setup.service.discard();
      await setup.orthanc.discard();
    }
  }
}

async function startSetup<Name extends string>(
  name: Name,
  given: Record<string, string>,
): Promise<Setup<Name>> {
  const [port, secret] = [await freePort(), randomUUID()];
  const orthanc = await startOrthanc({ hook: { url: `http://127.0.0.1:${port}/hook`, secret } });
  try {
    const env = { PLAINVIEW_LOG_LEVEL: 'error', ...given };
    const service = await startServiceProcess({ orthanc: orthanc.url, port, secret, env });
    return { name, orthanc, service };
  } catch (error) {
    await orthanc.discard();
    throw error;
  }
}

/** The polling interval limits the precision. */
const polling = { everyMs: 5, timeout: timeoutMs };

async function measureInstance(
  { orthanc, name }: Setup<string>,
  exposure: Exposure,
  into: Latencies,
): Promise<void> {
  const file = newInstance(exposure, { patientId: `BENCH-${name}` });
  const began = performance.now();
  const { ID, ParentStudy, ParentPatient } = await store(orthanc.url, file);
  const stored = performance.now();
  into.upload.push(stored - began);
  await waitFor(() => hasLabel(orthanc.url, ParentStudy), {
    what: 'a label on the study',
    ...polling,
  });
  into.label.push(performance.now() - stored);
  await waitFor(() => hasCategory(orthanc.url, ID), { what: 'RadiographCategory', ...polling });
  into.category.push(performance.now() - stored);
  await remove(orthanc.url, ParentPatient);
}

async function stageTotals({ service }: Setup<string>): Promise<Record<string, number>> {
  const seconds = stages.map(
    async (stage): Promise<[string, number]> => [
      stage,
      await service.metric(`plainview_stage_seconds_sum{stage="${stage}"}`),
    ],
  );
  return Object.fromEntries(await Promise.all(seconds));
}
