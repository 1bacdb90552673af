import type { Stored } from './files.js';
import type { Recorder } from './recorder.js';

export interface Scene {
  to: Recorder;
  get: (path: string, headers?: Record<string, string>) => ReturnType<Recorder['ask']>;
  post: (path: string, body: object | string) => ReturnType<Recorder['ask']>;
}
/** What is stored: the first one with what is above it, and identifiers of the others. */
export type Things = Stored & Record<'inverted' | 'frames' | 'colour' | 'truncated' | 'report', string>;
