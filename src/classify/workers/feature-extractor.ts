import { createError } from '../../errors/errors.js';
import { creators } from '../engines/choose.js';
import type { Engine } from '../engines/engine.js';
import { tolerance } from '../engines/self-test.js';
import type { Chain } from '../graph/chain.js';
import { pooled, softmax, throughDense } from '../graph/last-layer.js';
import { Batcher, type InferenceResult } from './batcher.js';
import type { Features } from './protocol.js';

type Extracted = Pick<Features, 'features' | 'scores'>;

/** Computes the features of pictures. It builds its engine at the first call. */
export class FeatureExtractor {
  readonly #chain: Chain;
  /** The engine of the whole network. */
  readonly #engine: Engine;
  #batcher: Promise<Batcher> | undefined;
  #isChecked = false;

  constructor(chain: Chain, engine: Engine) {
    this.#chain = chain;
    this.#engine = engine;
  }

  /**
   * @param prepare prepares the picture, [height, width, 3]
   * @throws what `prepare` throws, or the engine; engine_wrong
   */
  async extract(
    prepare: () => Promise<Float32Array>,
  ): Promise<Extracted & Pick<InferenceResult, 'input' | 'seconds'>> {
    this.#batcher ??= this.#start();
    const { input, scores: outputs, seconds } = await (await this.#batcher).infer(prepare);
    const extracted = this.#through(outputs);
    if (!this.#isChecked) {
      await this.#requireAgreement(input, extracted.scores);
      this.#isChecked = true;
    }
    return { ...extracted, input, seconds };
  }

  async #start(): Promise<Batcher> {
    const engine = await creators[this.#engine.name]({ ...this.#chain, head: [] });
    return new Batcher(engine, this.#chain.input);
  }

  /** @param outputs of the last convolution, [rows, columns, channels] */
  #through(outputs: Float32Array): Extracted {
    const { features, head } = this.#chain;
    let vector = pooled(outputs, features.at(-1)?.bias.length ?? 3);
    for (const layer of head.slice(0, -1)) vector = throughDense(layer, vector);
    const logits = head.slice(-1).map((last) => throughDense(last, vector))[0] ?? vector;
    return { features: vector, scores: softmax(logits) };
  }

  /** Checks the first picture's scores against those of the engine in use. @throws engine_wrong */
  async #requireAgreement(picture: Float32Array, scores: Float32Array): Promise<void> {
    const expected = await this.#engine.infer(picture, this.#chain.input);
    const off = expected.reduce((most, score, i) => Math.max(most, Math.abs(score - (scores[i] ?? NaN))), 0);
    // The negation also catches NaN.
    if (!(off <= tolerance))
      throw createError('engine_wrong', {
        engine: this.#engine.name,
        device: this.#engine.device,
        problem: `the scores of its features are ${off} off`,
      });
  }
}
