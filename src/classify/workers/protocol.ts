import type { ErrorCode } from '../../errors/errors.js';
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
  readonly timeoutMs: number;
}

/** Distinguishes jobs of one pool. */
export type JobId = number & { readonly brand: 'JobId' };

export interface Request {
  readonly id: JobId;
  readonly picture: Uint8Array;
  /** The class whose activation map is wanted too, by its index. */
  readonly explain: number | undefined;
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

/** What each place of the picture adds to a class's logit. */
export interface ActivationMap {
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns], over the whole picture, which the network sees squashed. Mean + `bias` = the class's logit. */
  readonly values: Float32Array;
  readonly bias: number;
}

export interface Explanation extends Classification, ActivationMap {}

/** An error as one thread sends it to another. A thread would receive a PlainviewError without its class and code. */
export interface SerializedError {
  readonly code: ErrorCode;
  readonly message: string;
  /** As text, because not every cause can be cloned. For the log. */
  readonly cause: string | undefined;
}

export type Reply =
  | {
      readonly kind: 'ready';
      readonly report: EngineReport;
      readonly classes: number;
      readonly batch: number;
    }
  | { readonly kind: 'unusable'; readonly error: SerializedError }
  | { readonly kind: 'done'; readonly id: JobId; readonly result: Classification | Explanation }
  | { readonly kind: 'failed'; readonly id: JobId; readonly error: SerializedError };
