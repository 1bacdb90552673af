import type { Stored } from './files.js';
import type { Recorder } from './recorder.js';

export interface ScriptContext {
  recorder: Recorder;
  get: (path: string, headers?: Record<string, string>) => ReturnType<Recorder['call']>;
  post: (path: string, body: object | string) => ReturnType<Recorder['call']>;
}
/** What is stored: the first one with what is above it, and identifiers of the others. */
export type StoredFiles = Stored & Record<'inverted' | 'frames' | 'colour' | 'truncated' | 'report', string>;
