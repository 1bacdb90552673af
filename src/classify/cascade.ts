import { createError } from '../errors/errors.js';
import { decide } from './decide.js';
import type { Classified, Classifier, Explained } from './interface.js';
import type { Network } from './network.js';
import type { Seconds } from './workers/protocol.js';

/**
 * Two networks one after the other: where the first one gives a category, the network for that category looks too.
 * What the first one leaves undecided goes to no other. Each has its own processes and its own thresholds.
 * @param network all networks as one
 * @param next by category of the first one
 */
export function cascadeOf(
  network: Network,
  first: Classifier,
  next: ReadonlyMap<string, Classifier>,
): Classifier {
  const all = [...new Set([first, ...next.values()])];
  /** @returns undefined where no other network looks */
  const nextFor = ({ scores }: Pick<Classified, 'scores'>): Classifier | undefined => {
    const { category } = decide(scores, first.network);
    return category === undefined ? undefined : next.get(category);
  };
  const classify = async (picture: Buffer): Promise<Classified> => {
    const seen = await first.classify(picture);
    const second = await nextFor(seen)?.classify(picture);
    return {
      ...seen,
      seconds: second === undefined ? seen.seconds : sumOf(seen.seconds, second.seconds),
      network,
      cascade: {
        first: first.network,
        ...(second === undefined ? {} : { next: { network: second.network, scores: second.scores } }),
      },
    };
  };
  return {
    network,
    engine: first.engine,
    suspicions: all.flatMap(({ suspicions }) => suspicions),
    get shadow() {
      return first.shadow;
    },
    orients: first.orients,
    classify,
    async explain(picture, category): Promise<Explained> {
      const able = all.filter((each) => each.network.classes.includes(category));
      // Several may know the category: then the one that has the last word on this picture explains it.
      const last = able.length > 1 ? nextFor(await first.classify(picture)) : undefined;
      const one = able.find((each) => each === last) ?? able[0];
      if (one === undefined) throw createError('class_unknown', { name: category, network: network.name });
      return one.explain(picture, category);
    },
    features: (picture) => first.features(picture),
    async close(deadline) {
      await Promise.all(all.map((each) => each.close(deadline)));
    },
  };
}

const sumOf = (one: Seconds, other: Seconds): Seconds => ({
  decode: one.decode + other.decode,
  prepare: one.prepare + other.prepare,
  infer: one.infer + other.infer,
});
