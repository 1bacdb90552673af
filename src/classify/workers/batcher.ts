import type { Engine, Inference } from '../engines/engine.js';
import type { Size } from '../graph/steps.js';

interface Waiting {
  readonly picture: Float32Array;
  readonly resolve: (result: InferenceResult) => void;
  readonly reject: (error: unknown) => void;
}

export interface InferenceResult extends Inference {
  /** The prepared picture. */
  readonly input: Float32Array;
  /** Duration of the whole batch. */
  readonly seconds: number;
}

/**
 * Gives pictures to the engine in batches of its best size. A batch that is not full waits only for pictures that are
 * being prepared.
 */
export class Batcher {
  readonly #engine: Engine;
  readonly #size: Size;
  readonly #waiting: Waiting[] = [];
  #preparing = 0;
  #isRunning = false;

  constructor(engine: Engine, size: Size) {
    this.#engine = engine;
    this.#size = size;
  }

  /**
   * @param prepare prepares the picture, [height, width, 3]
   * @throws what `prepare` throws, or the engine
   */
  async infer(prepare: () => Promise<Float32Array>): Promise<InferenceResult> {
    this.#preparing++;
    let result: Promise<InferenceResult> | undefined;
    try {
      const picture = await prepare();
      result = new Promise((resolve, reject) => this.#waiting.push({ picture, resolve, reject }));
    } finally {
      this.#preparing--;
      this.#startIfReady();
    }
    return result;
  }

  #startIfReady(): void {
    if (this.#isRunning || !this.#isReady()) return;
    this.#isRunning = true;
    // Messages that have arrived but are not handled yet come first, because they may fill the batch.
    if (this.#engine.batch > 1) setImmediate(() => void this.#run());
    else void this.#run();
  }

  #isReady(): boolean {
    const { length } = this.#waiting;
    return length > 0 && (length >= this.#engine.batch || this.#preparing === 0 || this.#engine.batch === 1);
  }

  async #run(): Promise<void> {
    if (this.#isReady()) await this.#inferAll(this.#waiting.splice(0, this.#engine.batch));
    this.#isRunning = false;
    this.#startIfReady();
  }

  async #inferAll(batch: readonly Waiting[]): Promise<void> {
    try {
      const began = performance.now();
      const { scores, featureMaps } = await this.#engine.infer(
        concatenated(batch.map(({ picture }) => picture)),
        this.#size,
      );
      const seconds = (performance.now() - began) / 1000;
      const part = (values: Float32Array, i: number) => {
        const length = values.length / batch.length;
        return values.slice(i * length, (i + 1) * length);
      };
      for (const [i, { picture, resolve }] of batch.entries())
        resolve({
          input: picture,
          scores: part(scores, i),
          featureMaps: featureMaps && part(featureMaps, i),
          seconds,
        });
    } catch (error) {
      // One picture can be the cause, and the others must not fail with it.
      if (batch.length > 1) for (const each of batch) await this.#inferAll([each]);
      else for (const { reject } of batch) reject(error);
    }
  }
}

function concatenated(pictures: readonly Float32Array[]): Float32Array {
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
