import type { Chain } from '../graph/chain.js';
import type { Size } from '../graph/steps.js';

/** They compute on a GPU, and never on the CPU instead. Best first: `gpu` tries them in this order. */
export const gpuEngines = ['cuda', 'tfjs-gpu'] as const;
export const isGpu = (name: string): boolean => gpuEngines.some((gpu) => gpu === name);

/** Best first. `auto` tries them in this order. */
export const engineNames = [...gpuEngines, 'onnxruntime', 'wasm'] as const;
export type EngineName = (typeof engineNames)[number];

export const engineChoices = ['auto', 'gpu', ...engineNames] as const;
export type EngineChoice = (typeof engineChoices)[number];

/** The engines that a choice stands for. */
export const enginesOf = (choice: EngineChoice): readonly EngineName[] =>
  choice === 'auto' ? engineNames : choice === 'gpu' ? gpuEngines : [choice];

/** What a network gives for pictures. */
export interface Inference {
  /** Softmax, [N, classes]. */
  readonly scores: Float32Array;
  /** What its last convolution gives, [N, rows, columns, channels]. A described ONNX network does not give it. */
  readonly featureMaps?: Float32Array | undefined;
}

/** Runs a network. It blocks the calling thread, so it must run in a worker. */
export interface Engine {
  readonly name: EngineName;
  /** The device that computes, as a text for people. */
  readonly device: string;
  /** Number of pictures per call at which it is fastest. */
  readonly batch: number;
  /** @param pictures prepared, [N, height, width, 3] */
  infer(pictures: Float32Array, size: Size): Promise<Inference>;
  close(): Promise<void>;
}

/** @throws engine_unavailable where this engine cannot run here */
export type CreateEngine = (chain: Chain) => Promise<Engine>;

/** Number of pictures, N. */
export const countOf = (pictures: Float32Array, { height, width }: Size) =>
  pictures.length / (height * width * 3);
