import { readFile } from 'node:fs/promises';
import { shipped } from '../../src/files/places.js';
import { defaults } from './defaults.js';
import { strict } from './strict.js';

/** The scripts, and the configuration of the Orthanc for each. */
export const scripts = {
  defaults: { run: defaults, configuration: {} },
  strict: { run: strict, configuration: { OverwriteInstances: true, CheckRevisions: true } },
} as const;
export type ScriptName = keyof typeof scripts;
export const scriptNames = Object.keys(scripts) as ScriptName[];

/** Version of the Orthanc with which the transcripts were recorded. */
export const recordedVersion = '1.12.7';

/** Transcript of the real Orthanc, written by `record.ts`. */
export const transcriptFile = (name: ScriptName): string =>
  shipped('testkit', 'orthanc-conformance', `${name}-${recordedVersion}.txt`);
export const transcriptOf = (name: ScriptName): Promise<string> => readFile(transcriptFile(name), 'utf8');

/** Prevents changes StablePatient, StableStudy and StableSeries, which would come at some time during a script. */
export const neverStable = { StableAge: 3600 };
