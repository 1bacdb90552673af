import { randomUUID } from 'node:crypto';
import type { Stage } from '../../src/metrics/metrics.js';
import { type SandboxOrthanc, startOrthanc } from '../../src/sandbox/orthanc.js';
import { freePort } from '../../src/sandbox/ports.js';
import { shuffled } from '../random.js';
import { hasCategory, hasLabel, remove, store, until } from './orthanc.js';
import { type Exposure, newInstance } from './pictures.js';
import { type ServiceProcess, startServiceProcess } from './service.js';

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

interface Side {
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
  const sides: Side[] = [];
  const empty = (): Latencies => ({ upload: [], label: [], category: [], stages: {} });
  const measured: Record<Rendering, Latencies> = { pam: empty(), png: empty() };
  try {
    for (const rendering of renderings) sides.push(await open(rendering));
    // The first instance finds compilers and caches cold, and every later one does not.
    for (const side of sides) await one(side, exposure, empty());
    const before = await Promise.all(sides.map(stageTotals));
    for (let index = 1; index <= instances; index++) {
      for (const side of shuffled(sides, random)) await one(side, exposure, measured[side.rendering]);
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
      await side.service.stop();
      await side.orthanc.discard();
    }
  }
}

async function open(rendering: Rendering): Promise<Side> {
  const [port, secret] = [await freePort(), randomUUID()];
  const orthanc = await startOrthanc({ hook: { url: `http://127.0.0.1:${port}/hook`, secret } });
  try {
    const env = { PLAINVIEW_RENDERING: rendering };
    const service = await startServiceProcess({ orthanc: orthanc.url, port, secret, env });
    return { rendering, orthanc, service };
  } catch (error) {
    await orthanc.discard();
    throw error;
  }
}

async function one({ orthanc, rendering }: Side, exposure: Exposure, into: Latencies): Promise<void> {
  const file = newInstance(exposure, { patientId: `BENCH-${rendering}` });
  const began = performance.now();
  const { ID, ParentStudy, ParentPatient } = await store(orthanc.url, file);
  const stored = performance.now();
  into.upload.push(stored - began);
  await until('a label on the study', () => hasLabel(orthanc.url, ParentStudy));
  into.label.push(performance.now() - stored);
  await until('RadiographCategory', () => hasCategory(orthanc.url, ID));
  into.category.push(performance.now() - stored);
  await remove(orthanc.url, ParentPatient);
}

async function stageTotals({ service }: Side): Promise<Record<string, number>> {
  const seconds = stages.map(
    async (stage): Promise<[string, number]> => [
      stage,
      await service.metric(`plainview_stage_seconds_sum{stage="${stage}"}`),
    ],
  );
  return Object.fromEntries(await Promise.all(seconds));
}
