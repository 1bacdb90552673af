import { createHash } from 'node:crypto';
import { pMapIterable } from 'p-map';
import type { Classifier } from '../classify/classifier.js';
import type { FeatureCache } from '../classify/feature-cache.js';
import { formatOf } from '../classify/prepare/decode.js';
import { asPlainviewError } from '../errors/errors.js';
import type { UnreadPicture } from '../evaluate/evaluate-pictures.js';
import type { GroundTruth, LabelledPicture } from '../evaluate/ground-truth.js';
import type { Sample } from './sample.js';

type Source = Pick<GroundTruth, 'pictures' | 'read' | 'keyOf'>;

/**
 * The features of every picture, from the cache where they are there. A picture that cannot be read or classified is
 * listed, and does not stop the others. An error that may pass ends the run: without those pictures, another network
 * would result. What is in the cache is then not computed again.
 * @param concurrency most pictures in memory at a time
 * @param onPicture called after each picture
 * @throws orthanc_…, report_unwritable
 */
export async function samplesOf(
  source: Source,
  from: Sample['from'],
  classifier: Pick<Classifier, 'features'>,
  cache: FeatureCache,
  concurrency: number,
  onPicture: () => void,
): Promise<{ samples: Sample[]; unread: UnreadPicture[] }> {
  const one = async (picture: LabelledPicture): Promise<Sample | UnreadPicture> => {
    try {
      const { key, features, isNew } = await featuresOf(source, picture, classifier, cache);
      if (isNew) await cache.write(key, features);
      return { picture, from, features };
    } catch (caught) {
      const error = asPlainviewError(caught);
      if (error.transient || error.code === 'report_unwritable') throw error;
      return { picture, error };
    }
  };
  const samples: Sample[] = [];
  const unread: UnreadPicture[] = [];
  for await (const outcome of pMapIterable(source.pictures, one, { concurrency })) {
    onPicture();
    if ('error' in outcome) unread.push(outcome);
    else samples.push(outcome);
  }
  return { samples, unread };
}

/** A source that can tell a picture's content without reading it spares the rendering too. */
async function featuresOf(
  source: Source,
  picture: LabelledPicture,
  classifier: Pick<Classifier, 'features'>,
  cache: FeatureCache,
): Promise<{ key: string; features: Float32Array; isNew: boolean }> {
  const known = await source.keyOf?.(picture);
  const file = known === undefined ? await source.read(picture) : undefined;
  const key =
    known ??
    createHash('sha256')
      .update(file ?? '')
      .digest('hex');
  // How a DICOM file is rendered depends on options and version, which its bytes do not tell: so it is not kept.
  const isKept = file === undefined || formatOf(file)?.name !== 'DICOM';
  const cached = isKept ? await cache.read(key) : undefined;
  if (cached !== undefined) return { key, features: cached, isNew: false };
  const { features } = await classifier.features(file ?? (await source.read(picture)));
  return { key, features, isNew: isKept };
}
