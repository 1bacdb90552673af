import type * as converter from '@tensorflow/tfjs-converter';
import type * as core from '@tensorflow/tfjs-core';
import { toGraphModel } from '../graph/artifacts.js';
import type { Chain } from '../graph/chain.js';
import { countOf, type Engine } from './engine.js';

/** What is used of TensorFlow.js; `@tensorflow/tfjs-node-gpu` gives all of it in one module. */
export type TensorFlow = Pick<typeof core, 'tensor4d' | 'tidy' | 'io'> &
  Pick<typeof converter, 'loadGraphModelSync'>;

/** Runs a network on the backend that is set in TensorFlow.js, which is one for the whole thread. */
export function createGraphModelEngine(
  tf: TensorFlow,
  chain: Chain,
  about: Pick<Engine, 'name' | 'device' | 'batch'>,
): Engine {
  const model = tf.loadGraphModelSync(tf.io.fromMemorySync(toGraphModel(chain)));
  return {
    ...about,
    async infer(pictures, size) {
      const { height, width } = size;
      const output = tf.tidy(() => {
        const input = tf.tensor4d(pictures, [countOf(pictures, size), height, width, 3]);
        return model.predict(input) as core.Tensor;
      });
      try {
        return await output.data<'float32'>();
      } finally {
        output.dispose();
      }
    },
    async close() {
      model.dispose();
    },
  };
}
