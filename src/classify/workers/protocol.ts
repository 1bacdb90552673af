import type { ErrorCode, ErrorParams } from '../../errors/errors.js';
import type { Declined } from '../engines/choose.js';
import type { EngineChoice, EngineName } from '../engines/engine.js';
import type { Size } from '../graph/steps.js';
import type { Model } from '../network.js';
import type { OnnxForm } from '../onnx/fit.js';
import type { Orientation } from '../orientation.js';
import type { FrameChoice } from '../prepare/picture.js';
import type { Side } from '../side.js';
import type { SideModel } from '../side-model.js';
import type { OrientationSetup } from './mirror-teller.js';

/** Data with which a worker is started. */
export interface Setup {
  readonly model: Model;
  readonly engine: EngineChoice;
  /** Where it is to be told which way up pictures are. */
  readonly orientation?: OrientationSetup | undefined;
  /** Where markers of sides are to be read. */
  readonly side?: SideModel | undefined;
  readonly maxMegapixels: number;
  /** Which frame of a DICOM file is classified; default `first`. */
  readonly frame?: FrameChoice | undefined;
  /** Milliseconds that one picture may take. */
  readonly timeoutMs: number;
  /** Private memory that a worker may use. */
  readonly memoryBytes: number;
  /** A second network, which looks at the same pictures. */
  readonly shadow?:
    | {
        readonly model: Model;
        /** Milliseconds that it may take for one picture. */
        readonly timeoutMs: number;
      }
    | undefined;
}

/** Unique within a pool. */
export type JobId = number & { readonly brand: 'JobId' };

export interface Request {
  readonly id: JobId;
  /** Length of the picture. */
  readonly bytes: number;
  readonly wanted: Wanted;
  /** Whether the second network looks at the picture too. */
  readonly shadow: boolean;
}

/** What a request asks for: scores alone, the map of a class (its index) with them, or features with them. */
export type Wanted =
  | { readonly kind: 'scores' }
  | { readonly kind: 'map'; readonly classIndex: number }
  | { readonly kind: 'features' };

/** What the worker receives. The bytes of a request's picture follow on its pipe. */
export type ToWorker =
  | { readonly kind: 'setup'; readonly setup: Setup }
  | { readonly kind: 'request'; readonly request: Request };

export interface EngineReport {
  readonly engine: EngineName;
  readonly device: string;
  /** Better engines that cannot run here, and why. */
  readonly declined: Declined[];
}

/** How a description was understood, and what may be wrong with it. */
export interface OnnxReport {
  readonly form: OnnxForm;
  readonly suspicions: readonly string[];
}

/** Duration of each stage for one picture, seconds. `infer` is that of its whole batch. */
export interface Seconds {
  readonly decode: number;
  readonly prepare: number;
  readonly infer: number;
}

/** What the second network made of a picture. */
export type ShadowOutcome =
  | { readonly scores: Float32Array; readonly seconds: number }
  | { readonly error: SerializedError };

export interface Classification {
  /** Softmax, one for each class. */
  readonly scores: Float32Array;
  readonly seconds: Seconds;
  /** Where the network tells it. */
  readonly orientation?: Orientation;
  /** Where markers of sides are read. */
  readonly side?: Side;
  /** What enters the last layer of the network, where that was asked for. */
  readonly features?: Float32Array;
  /** Present where there is a second network. */
  readonly shadow?: ShadowOutcome;
}

/** What each position of the picture does for a class. */
export type ClassMap = {
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns], over the whole picture, whose aspect ratio the map does not keep. */
  readonly values: Float32Array;
} & (
  | {
      /** What a position adds to the logit. */
      readonly method: 'activation';
      /** Where the map is that of the network's input: mean + `bias` = logit. */
      readonly bias?: number;
    }
  /** By how much the log-odds of the score fall where the position is hidden. */
  | { readonly method: 'occlusion' }
);

export type Explanation = Classification & ClassMap;

/** What enters the last layer of the network. */
export interface Features extends Classification {
  readonly features: Float32Array;
}

export type Result = Classification | Explanation | Features;

/** A PlainviewError in a form that processes can send. Structured cloning would lose its class and code. */
export interface SerializedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly params?: ErrorParams | undefined;
  /** For the log; as text, because not every cause can be cloned. */
  readonly cause: string | undefined;
}

export type Reply =
  | {
      readonly kind: 'ready';
      readonly report: EngineReport;
      readonly classes: number;
      readonly batch: number;
      /** Whether it tells which way up pictures are. */
      readonly orients: boolean;
      /** Where all networks of the process take pictures as NNCPR's, of this size. */
      readonly samples?: Size | undefined;
      /** Of an ONNX network. */
      readonly onnx?: OnnxReport | undefined;
      /** Present where the setup has a second network: its outputs, or why it cannot run. */
      readonly shadow?: { readonly classes: number } | { readonly error: SerializedError };
    }
  | { readonly kind: 'unusable'; readonly error: SerializedError }
  /** The scores of a picture that the second network looks at next: whatever becomes of that, they stand. */
  | { readonly kind: 'scored'; readonly id: JobId; readonly result: Classification }
  | { readonly kind: 'done'; readonly id: JobId; readonly result: Result }
  | { readonly kind: 'failed'; readonly id: JobId; readonly error: SerializedError };
