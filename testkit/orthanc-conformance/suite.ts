import { readFile } from 'node:fs/promises';
import { shipped } from '../../src/files/places.js';
import { defaults } from './defaults.js';
import { strict } from './strict.js';

/** Each script, and the configuration of the Orthanc that it speaks to. */
export const scripts = {
  defaults: { run: defaults, configuration: {} },
  strict: { run: strict, configuration: { OverwriteInstances: true, CheckRevisions: true } },
} as const;
export type ScriptName = keyof typeof scripts;
export const scriptNames = Object.keys(scripts) as ScriptName[];

/** The Orthanc whose answers are written down. */
export const recordedVersion = '1.12.7';

/** What the real Orthanc answered, written down by `record.ts`. */
export const transcriptFile = (name: ScriptName): string =>
  shipped('testkit', 'orthanc-conformance', `${name}-${recordedVersion}.txt`);
export const transcriptOf = (name: ScriptName): Promise<string> => readFile(transcriptFile(name), 'utf8');

/** Stable resources are an entry in the change log that comes with time. */
export const neverStable = { StableAge: 3600 };
