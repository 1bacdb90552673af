import { randomUUID } from 'node:crypto';
import type { Stage } from '../../src/metrics/metrics.js';
import { type SandboxOrthanc, startOrthanc } from '../../src/sandbox/orthanc.js';
import { freePort } from '../../src/sandbox/ports.js';
import { shuffled } from '../../testkit/random.js';
import { type ServiceProcess, startServiceProcess } from '../../testkit/service-process.js';
import { waitFor } from '../../testkit/wait-for.js';
import { hasCategory, hasLabel, remove, store, withinMs } from './orthanc.js';
import { type Exposure, newInstance } from './pictures.js';

export const renderings = ['pam', 'png'] as const;
export type Rendering = (typeof renderings)[number];

export const stages: readonly Stage[] = [
  'describe',
  'render',
  'decode',
  'prepare',
  'infer',
  'record',
  'total',
];

interface Setup {
  rendering: Rendering;
  orthanc: SandboxOrthanc;
  service: ServiceProcess;
}

/** Milliseconds of each instance. */
export interface Latencies {
  /** The upload itself, until Orthanc has answered. */
  upload: number[];
  /** From Orthanc's answer until the study carries a label. */
  label: number[];
  /** From Orthanc's answer until `RadiographCategory`, which is written last. */
  category: number[];
  /** Mean milliseconds of each of the service's stages. */
  stages: Record<string, number>;
}

/** Instances one after the other, each stored only when the last one is labelled; both renderings in turn. */
export async function measureLatency(options: {
  instances: number;
  exposure: Exposure;
  random: () => number;
  say: (line: string) => void;
}): Promise<Record<Rendering, Latencies>> {
  const { instances, exposure, random, say } = options;
  const sides: Setup[] = [];
  const empty = (): Latencies => ({ upload: [], label: [], category: [], stages: {} });
  const measured: Record<Rendering, Latencies> = { pam: empty(), png: empty() };
  try {
    for (const rendering of renderings) sides.push(await startSetup(rendering));
    // The first instance finds compilers and caches cold, and every later one does not.
    for (const side of sides) await measureInstance(side, exposure, empty());
    const before = await Promise.all(sides.map(stageTotals));
    for (let index = 1; index <= instances; index++) {
      for (const side of shuffled(sides, random))
        await measureInstance(side, exposure, measured[side.rendering]);
      if (index % 10 === 0) say(`latency: ${index}/${instances}`);
    }
    for (const [index, side] of sides.entries()) {
      const after = await stageTotals(side);
      for (const stage of stages) {
        const seconds = (after[stage] ?? 0) - (before[index]?.[stage] ?? 0);
        measured[side.rendering].stages[stage] = (1000 * seconds) / instances;
      }
    }
    return measured;
  } finally {
    for (const side of sides) {
      await side.service.discard();
      await side.orthanc.discard();
    }
  }
}

async function startSetup(rendering: Rendering): Promise<Setup> {
  const [port, secret] = [await freePort(), randomUUID()];
  const orthanc = await startOrthanc({ hook: { url: `http://127.0.0.1:${port}/hook`, secret } });
  try {
    const env = { PLAINVIEW_LOG_LEVEL: 'error', PLAINVIEW_RENDERING: rendering };
    const service = await startServiceProcess({ orthanc: orthanc.url, port, secret, env });
    return { rendering, orthanc, service };
  } catch (error) {
    await orthanc.discard();
    throw error;
  }
}

/** How often one asks decides how finely is measured. */
const closely = { everyMs: 5, timeout: withinMs };

async function measureInstance(
  { orthanc, rendering }: Setup,
  exposure: Exposure,
  into: Latencies,
): Promise<void> {
  const file = newInstance(exposure, { patientId: `BENCH-${rendering}` });
  const began = performance.now();
  const { ID, ParentStudy, ParentPatient } = await store(orthanc.url, file);
  const stored = performance.now();
  into.upload.push(stored - began);
  await waitFor(() => hasLabel(orthanc.url, ParentStudy), {
    what: 'a label on the study',
    ...closely,
  });
  into.label.push(performance.now() - stored);
  await waitFor(() => hasCategory(orthanc.url, ID), { what: 'RadiographCategory', ...closely });
  into.category.push(performance.now() - stored);
  await remove(orthanc.url, ParentPatient);
}

async function stageTotals({ service }: Setup): Promise<Record<string, number>> {
  const seconds = stages.map(
    async (stage): Promise<[string, number]> => [
      stage,
      await service.metric(`plainview_stage_seconds_sum{stage="${stage}"}`),
    ],
  );
  return Object.fromEntries(await Promise.all(seconds));
}
