import { createError } from '../../errors/errors.js';
import { creators } from '../engines/choose.js';
import type { Engine, EngineName } from '../engines/engine.js';
import { tolerance } from '../engines/self-test.js';
import { activationMapChainOf } from '../graph/activation-maps.js';
import type { Chain } from '../graph/chain.js';
import { convolvedSize, type Size } from '../graph/steps.js';
import type { ClassMap } from './protocol.js';

interface Ready {
  readonly engine: Engine;
  /** Size of the maps. */
  readonly size: Size;
  readonly bias: Float32Array;
}

/** Computes class activation maps. It builds its engine at the first call. */
export class ActivationExplainer {
  readonly #chain: Chain;
  readonly #name: EngineName;
  #ready: Promise<Ready> | undefined;

  constructor(chain: Chain, name: EngineName) {
    this.#chain = chain;
    this.#name = name;
  }

  /**
   * @param picture prepared, [height, width, 3]
   * @param scores the network's scores of this picture; the maps must agree with them
   * @throws engine_wrong
   */
  async explain(picture: Float32Array, scores: Float32Array, classIndex: number): Promise<ClassMap> {
    this.#ready ??= this.#start();
    const { engine, size, bias } = await this.#ready;
    const maps = await engine.infer(picture, this.#chain.input);
    requireAgreement(maps, bias, scores, engine);
    const classes = bias.length;
    return {
      method: 'activation',
      rows: size.height,
      columns: size.width,
      values: Float32Array.from({ length: maps.length / classes }, (_, i) =>
        at(maps, i * classes + classIndex),
      ),
      bias: at(bias, classIndex),
    };
  }

  async #start(): Promise<Ready> {
    const { chain, bias } = activationMapChainOf(this.#chain);
    const size = chain.features.reduce<Size>(
      (before, { shape, strides, pads }) => convolvedSize(before, shape, strides, pads),
      chain.input,
    );
    return { engine: await creators[this.#name](chain), size, bias };
  }
}

/** Checks that the softmax of the maps' means and biases gives the scores. @throws engine_wrong */
function requireAgreement(
  maps: Float32Array,
  bias: Float32Array,
  scores: Float32Array,
  { name, device }: Engine,
): void {
  const positions = maps.length / bias.length;
  const logits = Array.from(bias);
  for (let i = 0; i < maps.length; i++) {
    const c = i % bias.length;
    logits[c] = (logits[c] ?? 0) + at(maps, i) / positions;
  }
  const highest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - highest));
  const sum = powers.reduce((a, b) => a + b);
  const off = Math.max(...powers.map((power, c) => Math.abs(power / sum - at(scores, c))));
  if (!(off <= tolerance))
    throw createError('engine_wrong', {
      engine: name,
      device,
      problem: `its activation maps are ${off} off the scores`,
    });
}

// All indices come from the lengths.
const at = (values: Float32Array, index: number) => values[index] as number;
