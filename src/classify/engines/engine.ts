import { z } from 'zod';
import type { Chain } from '../graph/chain.js';
import type { Size } from '../graph/steps.js';

/** Best first: the order in which `auto` tries them. */
export const engineName = z.enum(['gpu', 'onnxruntime', 'wasm']);
export type EngineName = z.infer<typeof engineName>;

export const engineChoice = z.enum(['auto', ...engineName.options]);
export type EngineChoice = z.infer<typeof engineChoice>;

/** What runs a network. It blocks the thread that calls it, so it belongs in a worker. */
export interface Engine {
  readonly name: EngineName;
  /** What it computes on, in words. */
  readonly device: string;
  /** How many pictures at a time it works through best. */
  readonly batch: number;
  /**
   * @param pictures [N, height, width, 3], prepared
   * @returns scores [N, classes], softmax; the last features [N, rows, columns, classes] of a network without a head
   */
  infer(pictures: Float32Array, size: Size): Promise<Float32Array>;
  close(): Promise<void>;
}

/** @throws engine_unavailable where this engine cannot run here */
export type CreateEngine = (chain: Chain) => Promise<Engine>;

export const countOf = (pictures: Float32Array, { height, width }: Size) =>
  pictures.length / (height * width * 3);
