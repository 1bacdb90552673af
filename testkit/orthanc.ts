import { afterAll, beforeAll } from 'vitest';
import { z } from 'zod';
import { type SandboxOptions, type SandboxOrthanc, startOrthanc } from '../src/sandbox/orthanc.js';
import { asTested } from './variants.js';

const stored = z
  .object({
    ID: z.string(),
    ParentSeries: z.string(),
    ParentStudy: z.string(),
    ParentPatient: z.string(),
    Status: z.enum(['Success', 'AlreadyStored']),
  })
  .transform((answer) => ({
    orthancId: answer.ID,
    series: answer.ParentSeries,
    study: answer.ParentStudy,
    patient: answer.ParentPatient,
    status: answer.Status,
  }));

export type StoredInstance = z.output<typeof stored>;

/** Stores a file. @throws with Orthanc's response where it was not stored */
export async function storeInstance(url: string, bytes: Uint8Array): Promise<StoredInstance> {
  const response = await fetch(`${url}/instances`, { method: 'POST', body: Buffer.from(bytes) });
  if (!response.ok) throw new Error(`POST /instances: ${response.status} ${await response.text()}`);
  return stored.parse(await response.json());
}

export interface OrthancForTests {
  /** Available only in tests and hooks: it starts before the first test of the file. */
  readonly orthanc: SandboxOrthanc;
  storeInstance(bytes: Uint8Array): Promise<StoredInstance>;
}

/** One real Orthanc for a test file. It is deleted after the tests of the file. */
export function useOrthanc(
  options: SandboxOptions | (() => SandboxOptions | Promise<SandboxOptions>) = {},
): OrthancForTests {
  let running: SandboxOrthanc | undefined;
  const orthanc = (): SandboxOrthanc => {
    if (!running) throw new Error('Orthanc runs only while tests do');
    return running;
  };
  beforeAll(async () => {
    running = await startOrthanc(await asTested(typeof options === 'function' ? await options() : options));
  });
  afterAll(() => running?.discard());
  return {
    get orthanc() {
      return orthanc();
    },
    storeInstance: (bytes) => storeInstance(orthanc().url, bytes),
  };
}

/** Another real Orthanc, for one test. */
export async function withOrthanc(
  options: SandboxOptions,
  use: (orthanc: SandboxOrthanc) => Promise<void>,
): Promise<void> {
  const orthanc = await startOrthanc(await asTested(options));
  try {
    await use(orthanc);
  } finally {
    await orthanc.discard();
  }
}

export { waitFor } from './wait-for.js';
