import type * as converter from '@tensorflow/tfjs-converter';
import type * as core from '@tensorflow/tfjs-core';
import { toGraphModel } from '../graph/artifacts.js';
import type { Chain } from '../graph/chain.js';
import { featureMapsName, scoresName } from '../graph/ports.js';
import { countOf, type Engine } from './engine.js';

/** The part of TensorFlow.js that Plainview uses. `@tensorflow/tfjs-node-gpu` has all of it in one module. */
export type TensorFlow = Pick<typeof core, 'tensor4d' | 'tidy' | 'io'> &
  Pick<typeof converter, 'loadGraphModelSync'>;

/** Runs a network on the present backend of TensorFlow.js. There is one backend per thread. */
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
      const [scores, featureMaps] = tf.tidy(() => {
        const input = tf.tensor4d(pictures, [countOf(pictures, size), height, width, 3]);
        return model.execute(input, [scoresName, featureMapsName]) as [core.Tensor, core.Tensor];
      });
      try {
        return {
          scores: await scores.data<'float32'>(),
          featureMaps: await featureMaps.data<'float32'>(),
        };
      } finally {
        scores.dispose();
        featureMaps.dispose();
      }
    },
    async close() {
      model.dispose();
    },
  };
}
