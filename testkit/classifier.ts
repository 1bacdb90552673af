import type {
  Classified,
  Classifier,
  KnownLastLayer,
  Shadow,
  ShadowClassification,
} from '../src/classify/classifier.js';
import type { Orientation } from '../src/classify/orientation.js';
import type { Side } from '../src/classify/side.js';
import type { Taps } from '../src/files/pam.js';

/** Classes of the stub: ten categories and `other`. */
export const stubClasses = [
  'abdomen_ap',
  'pelvis_ap',
  'elbow_ap',
  'hand_ap',
  'wrist_ap',
  'knee_ap',
  'knee_lateral',
  'ankle_ap',
  'chest_lateral',
  'chest_pa_ap',
  'other',
];

export interface Stub extends Classifier {
  /** All pictures so far. */
  readonly pictures: Buffer[];
  /** Result for the next pictures; default: knee_lateral at 0.99. */
  answer: (picture: Buffer) => Promise<{ category: string; score: number }>;
  /** Which way up the next pictures are; default: it is not told. */
  orientation?: Orientation;
  /** What the marker on the next pictures says; default: none is looked for. */
  side?: Side;
  /** What a second network makes of the next pictures; default: there is none. */
  second?: ShadowClassification;
  /** What it looks at of the next pictures; default: all. */
  taps?: Taps;
  /** Where features are kept. */
  last?: KnownLastLayer;
}

/** Scores of a picture that shows this. */
export function scoresOf({ category, score }: { category: string; score: number }): Float32Array {
  const rest = (1 - score) / (stubClasses.length - 1);
  return Float32Array.from(stubClasses, (name) => (name === category ? score : rest));
}

/**
 * From now on the classifier waits before it answers this.
 * @returns `reached`: resolves when a picture waits; `release`: ends the wait
 */
export function hold(stub: Stub, answer: Awaited<ReturnType<Stub['answer']>>) {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  let reach = () => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  stub.answer = async () => {
    reach();
    await gate;
    return answer;
  };
  return { reached, release };
}

/** A classifier without a network. The test sets its answers. */
export function stubClassifier(sha256 = 'a'.repeat(64)): Stub {
  const pictures: Buffer[] = [];
  return {
    network: {
      name: 'stub',
      sha256,
      purpose: 'research',
      classes: stubClasses,
      thresholds: { threshold: 0.9, margin: 0.1, unknownBelow: 0.3 },
    },
    suspicions: [],
    get orients(): boolean {
      return this.orientation !== undefined;
    },
    engine: { engine: 'onnxruntime', device: 'cpu', declined: [] },
    get shadow(): Shadow | undefined {
      return this.second && { network: this.second.network };
    },
    get lastLayer(): KnownLastLayer | undefined {
      return this.last;
    },
    pictures,
    answer: async () => ({ category: 'knee_lateral', score: 0.99 }),
    async classify(picture): Promise<Classified> {
      const { network, engine, second, orientation, side } = this;
      pictures.push(picture);
      const scores = scoresOf(await this.answer(picture));
      return {
        scores,
        seconds: { decode: 0, prepare: 0, infer: 0 },
        network,
        engine: engine.engine,
        ...(this.last === undefined ? {} : { features: new Float32Array(this.last.inputs) }),
        ...(second === undefined ? {} : { shadow: second }),
        ...(orientation === undefined ? {} : { orientation }),
        ...(side === undefined ? {} : { side }),
      };
    },
    async explain(picture, category) {
      const { scores, seconds } = await this.classify(picture);
      // For the answered category, values grow from top to bottom. For others they are 0.
      const isAnswer = category === (await this.answer(picture)).category;
      const values = Float32Array.from({ length: 49 }, (_, i) => (isAnswer ? Math.floor(i / 7) : 0));
      const score = scores[stubClasses.indexOf(category)] ?? 0;
      return { scores, seconds, rows: 7, columns: 7, values, bias: 0, method: 'activation', score };
    },
    async features(picture) {
      return { ...(await this.classify(picture)), features: new Float32Array(4) };
    },
    close: async () => undefined,
  };
}
