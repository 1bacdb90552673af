import type { Classified, Classifier } from '../classify/classifier.js';
import { answersOf, decideOn, precisionOf } from '../classify/decide.js';
import type { Orientation } from '../classify/orientation.js';
import { turnAlone } from '../classify/turn.js';
import type { Config } from '../config/options.js';
import { networksDecision } from '../decisions/correction.js';
import { recordOf, requestOf } from '../decisions/read.js';
import type { InstanceRecord, NewDecision } from '../decisions/schema.js';
import { shadowRecordOf } from '../decisions/shadow.js';
import type { Metrics } from '../metrics/metrics.js';
import type { DescribedInstance } from '../orthanc/hierarchy.js';
import type { InstanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { IdentifiedInstance, InstanceContent, PictureTags } from '../orthanc/resources.js';
import type { Reason } from '../queue/queue.js';
import { frameOf } from './eligible.js';
import type { KeptFeatures } from './kept-features.js';
import type { Stages } from './stages.js';

/** Notes which picture is fetched and classified, so that one that ends the process is known after it. */
export interface PicturesInWork {
  run<T>(instance: InstanceId, task: () => Promise<T>): Promise<T>;
}

interface Parts {
  orthanc: Orthanc;
  classifier: Classifier;
  metrics: Metrics;
  stages: Stages;
  config: Config;
  inWork: PicturesInWork;
  kept?: KeptFeatures | undefined;
}

/** What the network says of a picture: of its rendering, or of the features that were kept of it. */
export class Judge {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * The network's decision about a picture.
   * @param before the instance as it was read
   * @throws picture_…, classifier_…, orthanc_…
   */
  async decide(
    { id, tags }: DescribedInstance,
    before: IdentifiedInstance,
    reason: Reason,
  ): Promise<Omit<NewDecision, 'ms'>> {
    const known = reason === 'sweep' ? await this.#fromKept(before) : undefined;
    const seen = known ?? (await this.#look(id, tags, before));
    const { shadow, orientation, side } = seen;
    const { category, ...decided } = decideOn(seen);
    const cascade = answersOf(seen);
    const provenance = this.provenance(before, seen);
    return {
      ...decided,
      ...(category === undefined ? {} : { category }),
      ...(orientation === undefined ? {} : { orientation }),
      ...(side === undefined ? {} : { side }),
      ...provenance,
      ...(cascade === undefined ? {} : { cascade }),
      ...(shadow === undefined ? {} : { shadow: shadowRecordOf(shadow, provenance.when) }),
    };
  }

  async #renderAndClassify(id: InstanceId, tags: PictureTags): Promise<Classified> {
    const { classifier, stages, orthanc, config } = this.#parts;
    const began = performance.now();
    const { taps } = classifier;
    const classify = async (picture: Buffer) => {
      stages.observe('render', (performance.now() - began) / 1000);
      // Another network can have taken its place meanwhile, which looks at other pixels.
      return classifier.taps === taps ? classifier.classify(picture) : undefined;
    };
    const classified = await orthanc.renderings.whole(id, frameOf(tags, config), classify, tags, taps);
    return classified ?? this.#renderAndClassify(id, tags);
  }

  async #look(id: InstanceId, tags: PictureTags, before: IdentifiedInstance): Promise<Classified> {
    const { stages } = this.#parts;
    const classified = await this.#parts.inWork.run(id, () => this.#renderAndClassify(id, tags));
    let endedAgo = 0;
    for (const stage of ['infer', 'prepare', 'decode'] as const) {
      stages.observe(stage, classified.seconds[stage], endedAgo);
      endedAgo += classified.seconds[stage];
    }
    await this.#parts.kept?.keep(this.#parts.classifier, before, classified);
    return classified;
  }

  /** Without a rendering. A second network would have to see the picture. */
  async #fromKept(before: IdentifiedInstance): Promise<Omit<Classified, 'seconds' | 'features'> | undefined> {
    const { network, engine, shadow, orients } = this.#parts.classifier;
    if (shadow !== undefined) return undefined;
    const scores = await this.#parts.kept?.scores(this.#parts.classifier, before);
    if (scores === undefined) return undefined;
    this.#parts.metrics.renderingsSpared.inc();
    // The features do not tell these, but the picture is the same. What a person said ends with their decision.
    const record = recordOf(before)?.record;
    const known = record && networksDecision(record);
    const orientation = orients
      ? orientationFor(network.classes[scores.indexOf(Math.max(...scores))], known)
      : undefined;
    const side = this.#parts.config.side === 'off' ? undefined : known?.side;
    return {
      scores,
      network,
      engine: engine.engine,
      ...(orientation === undefined ? {} : { orientation }),
      ...(side === undefined ? {} : { side }),
    };
  }

  /** Whether this network would give the category that another one gave: that can stand. */
  async agrees(instance: IdentifiedInstance): Promise<boolean> {
    const { kept, classifier, metrics } = this.#parts;
    const known = recordOf(instance);
    if (kept === undefined || known === undefined || !known.complete || requestOf(instance) !== undefined)
      return false;
    // A second network must see what they agree about, too: else all that is known of it is where they part.
    if (classifier.shadow !== undefined) return false;
    const { who, decision, category } = known.record;
    if (who !== 'network' || decision !== 'category') return false;
    if ((await kept.category(classifier, instance)) !== category) return false;
    metrics.renderingsSpared.inc();
    return true;
  }

  /** @param by what has classified; by default the network in use */
  provenance(
    instance: InstanceContent,
    { network, engine }: Pick<Classified, 'network' | 'engine'> = {
      network: this.#parts.classifier.network,
      engine: this.#parts.classifier.engine.engine,
    },
  ) {
    const request = requestOf(instance);
    return {
      who: 'network' as const,
      network: {
        name: network.name,
        sha256: network.sha256,
        ...precisionOf(network),
        ...(network.described === undefined ? {} : { described: network.described }),
      },
      engine,
      when: new Date().toISOString(),
      ...(request === undefined ? {} : { requested: { who: request.who, when: request.when } }),
    };
  }
}

/** What an earlier decision tells, where the best category is this one now. */
function orientationFor(
  category: string | undefined,
  known: Pick<InstanceRecord, 'orientation' | 'top'> | undefined,
): Orientation | undefined {
  if (known?.orientation === undefined || known.top[0]?.category === category) return known?.orientation;
  return turnAlone(known.orientation);
}
