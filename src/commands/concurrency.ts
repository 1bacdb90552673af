import { availableParallelism } from 'node:os';
import type { Classifier } from '../classify/classifier.js';
import { isGpu } from '../classify/engines/engine.js';

/** Pictures at the same time: enough that every process has its next one ready. A GPU takes its batches from these. */
export const concurrencyOf = (
  classifiers: readonly Pick<Classifier, 'engine'>[],
  { workers = 0 }: { workers?: number | undefined },
): number =>
  classifiers.some(({ engine }) => isGpu(engine.engine)) ? 64 : 4 * (workers || availableParallelism());
