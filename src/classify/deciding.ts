import type { Taps } from '../files/pam.js';
import type {
  Classified,
  Classifier,
  EngineReport,
  Explained,
  Features,
  KnownLastLayer,
  Network,
  Shadow,
} from './classifier.js';

/** The network that decides. Another one can take its place while pictures are classified. */
export class DecidingClassifier implements Classifier {
  #current: Classifier;
  /** Those that finish their last pictures. */
  readonly #ending = new Set<Classifier>();
  #isClosed = false;

  constructor(first: Classifier) {
    this.#current = first;
  }

  get network(): Network {
    return this.#current.network;
  }

  get engine(): EngineReport {
    return this.#current.engine;
  }

  get suspicions(): readonly string[] {
    return this.#current.suspicions;
  }

  get shadow(): Shadow | undefined {
    return this.#current.shadow;
  }

  get orients(): boolean {
    return this.#current.orients;
  }

  get lastLayer(): KnownLastLayer | undefined {
    return this.#current.lastLayer;
  }

  get taps(): Taps | undefined {
    return this.#current.taps;
  }

  classify(picture: Buffer): Promise<Classified> {
    return this.#current.classify(picture);
  }

  explain(picture: Buffer, category: string): Promise<Explained> {
    return this.#current.explain(picture, category);
  }

  features(picture: Buffer): Promise<Features> {
    return this.#current.features(picture);
  }

  /** Each picture from now on is classified by the next one. Those that run end with the network that began them. Once this is closed, so is the next one. */
  replace(next: Classifier): void {
    const before = this.#isClosed ? next : this.#current;
    if (!this.#isClosed) this.#current = next;
    this.#ending.add(before);
    void before.close().finally(() => this.#ending.delete(before));
  }

  async close(deadline?: AbortSignal): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#current, ...this.#ending].map((each) => each.close(deadline)));
  }
}
