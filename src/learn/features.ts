import { createHash } from 'node:crypto';
import { pMapIterable } from 'p-map';
import type { Classifier } from '../classify/classifier.js';
import type { FeatureCache } from '../classify/feature-cache.js';
import { asPlainviewError } from '../errors/errors.js';
import type { UnreadPicture } from '../evaluate/evaluate-pictures.js';
import type { GroundTruth, LabelledPicture } from '../evaluate/ground-truth.js';
import type { Sample } from './sample.js';

/**
 * The features of every picture, from the cache where they are there. A picture that cannot be read or classified is
 * listed, and does not stop the others.
 * @param concurrency most pictures in memory at a time
 * @param onPicture called after each picture
 */
export async function samplesOf(
  truth: Pick<GroundTruth, 'pictures' | 'read' | 'keyOf'>,
  from: Sample['from'],
  classifier: Pick<Classifier, 'features'>,
  cache: FeatureCache,
  concurrency: number,
  onPicture: () => void,
): Promise<{ samples: Sample[]; unread: UnreadPicture[] }> {
  const one = async (picture: LabelledPicture): Promise<Sample | UnreadPicture> => {
    try {
      return { picture, from, features: await featuresOf(truth, picture, classifier, cache) };
    } catch (error) {
      return { picture, error: asPlainviewError(error) };
    }
  };
  const samples: Sample[] = [];
  const unread: UnreadPicture[] = [];
  for await (const outcome of pMapIterable(truth.pictures, one, { concurrency })) {
    onPicture();
    if ('error' in outcome) unread.push(outcome);
    else samples.push(outcome);
  }
  return { samples, unread };
}

/** A source that can tell a picture's content without reading it spares the rendering too. */
async function featuresOf(
  truth: Pick<GroundTruth, 'read' | 'keyOf'>,
  picture: LabelledPicture,
  classifier: Pick<Classifier, 'features'>,
  cache: FeatureCache,
): Promise<Float32Array> {
  const known = await truth.keyOf?.(picture);
  const file = known === undefined ? await truth.read(picture) : undefined;
  const key =
    known ??
    createHash('sha256')
      .update(file ?? '')
      .digest('hex');
  const cached = await cache.read(key);
  if (cached !== undefined) return cached;
  const { features } = await classifier.features(file ?? (await truth.read(picture)));
  await cache.write(key, features);
  return features;
}
