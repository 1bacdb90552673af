import type { Stored } from './files.js';
import type { Recorder } from './recorder.js';

export interface ScriptContext {
  recorder: Recorder;
  get: (path: string, headers?: Record<string, string>) => ReturnType<Recorder['call']>;
  post: (path: string, body: object | string) => ReturnType<Recorder['call']>;
}
/** Identifiers of the stored files: the first one with its parents, and the others. */
export type StoredFiles = Stored & Record<'inverted' | 'frames' | 'colour' | 'truncated' | 'report', string>;
