import type { Logger } from 'pino';
import type { Classified, Classifier } from '../classify/classifier.js';
import { decide } from '../classify/decide.js';
import { FeatureCache } from '../classify/feature-cache.js';
import type { Config } from '../config/options.js';
import { version } from '../config/version.js';
import { pictureOf } from '../decisions/tags-record.js';
import type { IdentifiedInstance } from '../orthanc/resources.js';

/** Identifies a rendered picture: each storing gives the file a new identifier, and versions may render otherwise. */
export const pictureKey = (picture: string, { multiframe }: Pick<Config, 'multiframe'>): string =>
  `orthanc ${picture} ${multiframe} ${version}`;

/**
 * The features of the pictures that were classified. A network with the same features and another last layer needs no
 * rendering to decide about them. Training finds them too.
 */
export class KeptFeatures {
  readonly #folder: string;
  readonly #config: Pick<Config, 'multiframe'>;
  readonly #log: Logger;
  /** Of the network in use, which can change. */
  #cache: { of: string; is: FeatureCache } | undefined;

  constructor(folder: string, config: Pick<Config, 'multiframe'>, log: Logger) {
    this.#folder = folder;
    this.#log = log;
    this.#config = config;
  }

  /** @returns the network's scores; undefined where the features of the picture are not kept, or cannot be read */
  async scores(
    { lastLayer }: Pick<Classifier, 'lastLayer'>,
    instance: IdentifiedInstance,
  ): Promise<Float32Array | undefined> {
    if (lastLayer === undefined) return undefined;
    const features = await this.#tried(() => this.#cacheOf(lastLayer).read(this.#keyOf(instance)));
    return features && lastLayer.scores(features);
  }

  /** @returns the category that the network would give; undefined where it would give none, or that is not known */
  async category(classifier: Classifier, instance: IdentifiedInstance): Promise<string | undefined> {
    const { network } = classifier;
    const scores = await this.scores(classifier, instance);
    return scores && decide(scores, network).category;
  }

  /** Where they cannot be written, the decision stands all the same: the picture is rendered once more when that is due. */
  async keep(
    { lastLayer, network }: Pick<Classifier, 'lastLayer' | 'network'>,
    instance: IdentifiedInstance,
    { features, network: by }: Pick<Classified, 'features' | 'network'>,
  ): Promise<void> {
    // Another network may be in use by now, whose features are others.
    if (lastLayer === undefined || features === undefined || network.sha256 !== by.sha256) return;
    await this.#tried(() => this.#cacheOf(lastLayer).write(this.#keyOf(instance), features));
  }

  #keyOf(instance: IdentifiedInstance): string {
    return pictureKey(pictureOf(instance), this.#config);
  }

  async #tried<T>(task: () => Promise<T>): Promise<T | undefined> {
    try {
      return await task();
    } catch (err) {
      this.#log.warn({ err }, 'the features of a picture could not be kept or read');
      return undefined;
    }
  }

  #cacheOf({ featuresHash, inputs }: NonNullable<Classifier['lastLayer']>): FeatureCache {
    if (this.#cache?.of !== featuresHash)
      this.#cache = { of: featuresHash, is: new FeatureCache(this.#folder, featuresHash, inputs) };
    return this.#cache.is;
  }
}
