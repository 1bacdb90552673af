import type { ErrorCode } from '../../errors.js';
import type { Declined } from '../engines/choose.js';
import type { EngineChoice, EngineName } from '../engines/engine.js';
import type { Layers } from '../graph/walk.js';
import type { Preparation } from '../prepare/resize.js';

/** What a worker is started with. */
export interface Setup {
  readonly file: SharedArrayBuffer;
  readonly layers: Layers;
  readonly preparation: Preparation;
  readonly engine: EngineChoice;
  readonly maxMegapixels: number;
  /** Milliseconds after which a picture that is in work counts as hanging. */
  readonly longestMs: number;
}

/** Distinguishes jobs of one pool. */
export type JobId = number & { readonly brand: 'JobId' };

export interface Request {
  readonly id: JobId;
  readonly picture: Uint8Array;
}

export interface EngineReport {
  readonly engine: EngineName;
  readonly device: string;
  /** Engines that would have been better, and why they were not taken. */
  readonly declined: Declined[];
}

/** Seconds that one picture took in each stage; in a batch, `infer` is the whole batch's. */
export interface Seconds {
  readonly decode: number;
  readonly prepare: number;
  readonly infer: number;
}

export interface Classification {
  /** Softmax, one for each class. */
  readonly scores: Float32Array;
  readonly seconds: Seconds;
}

/** An error on its way between threads, which would strip it of its class. */
export interface SentError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly passing: boolean;
}

export type Reply =
  | {
      readonly kind: 'ready';
      readonly report: EngineReport;
      readonly classes: number;
      readonly batch: number;
    }
  | { readonly kind: 'unusable'; readonly error: SentError }
  | { readonly kind: 'done'; readonly id: JobId; readonly classification: Classification }
  | { readonly kind: 'failed'; readonly id: JobId; readonly error: SentError };
