import type { Engine } from '../engines/engine.js';
import type { Size } from '../graph/steps.js';

interface Waiting {
  readonly picture: Float32Array;
  readonly resolve: (result: { scores: Float32Array; seconds: number }) => void;
  readonly reject: (error: unknown) => void;
}

/** Hands pictures to the engine in batches: what gathers while one batch runs is the next. */
export class Batcher {
  readonly #engine: Engine;
  readonly #size: Size;
  readonly #waiting: Waiting[] = [];
  #isRunning = false;

  constructor(engine: Engine, size: Size) {
    this.#engine = engine;
    this.#size = size;
  }

  /** @param picture [height, width, 3] */
  infer(picture: Float32Array): Promise<{ scores: Float32Array; seconds: number }> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ picture, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#engine.batch);
      try {
        const began = performance.now();
        const scores = await this.#engine.infer(joined(batch.map(({ picture }) => picture)), this.#size);
        const seconds = (performance.now() - began) / 1000;
        const classes = scores.length / batch.length;
        for (const [i, { resolve }] of batch.entries())
          resolve({ scores: scores.slice(i * classes, (i + 1) * classes), seconds });
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isRunning = false;
  }
}

function joined(pictures: readonly Float32Array[]): Float32Array {
  const [first] = pictures;
  if (first && pictures.length === 1) return first;
  const all = new Float32Array(pictures.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const picture of pictures) {
    all.set(picture, offset);
    offset += picture.length;
  }
  return all;
}
