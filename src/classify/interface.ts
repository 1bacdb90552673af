import type { PlainviewError } from '../errors/errors.js';
import type { Taps } from '../files/pam.js';
import type { EngineName } from './engines/engine.js';
import type { Network } from './network.js';
import type {
  Classification,
  EngineReport,
  Explanation,
  Features,
  ShadowOutcome,
} from './workers/protocol.js';

/** What the second network made of a picture. It changes nothing. */
export type ShadowClassification = ShadowOutcome & { readonly network: Network };

/** The last layer of a network, which makes scores of features. */
export interface KnownLastLayer {
  /** The same for all networks with the same features. */
  readonly featuresHash: string;
  /** Number of features. */
  readonly inputs: number;
  scores(features: Float32Array): Float32Array;
}

/** The scores that one network gives to a picture. */
export interface Look {
  readonly network: Network;
  /** Softmax, one for each class of that network. */
  readonly scores: Float32Array;
}

/** The scores of a picture, and what computed them. */
export interface Classified extends Omit<Classification, 'shadow'> {
  /** Of a cascade, all its networks as one: `scores` are those of the first, whose classes come first. */
  readonly network: Network;
  /** Of a cascade: the first network, and what the second one said where the first gave a category that it looks at. */
  readonly cascade?: { readonly first: Network; readonly next?: Look };
  readonly engine: EngineName;
  readonly shadow?: ShadowClassification;
}

/** Why a picture has its score for a class. */
export type Explained = Explanation & {
  /** Of that class. */
  readonly score: number;
};

/** A second network that looks at every picture that is classified. */
export interface Shadow {
  /** Undefined where its files cannot be read. */
  readonly network?: Network | undefined;
  /** Why it does not look at pictures; undefined while it does. */
  readonly problem?: PlainviewError | undefined;
}

/** A loaded network: picture in, scores out. It runs in processes of its own. */
export interface Classifier {
  readonly network: Network;
  readonly engine: EngineReport;
  /** What may be wrong with the description of an ONNX network, as sentences. */
  readonly suspicions: readonly string[];
  readonly shadow?: Shadow | undefined;
  /** Whether `classify` tells which way up pictures are. */
  readonly orients: boolean;
  /** Known where features are to be kept, of a frozen graph: then `classify` gives them. */
  readonly lastLayer?: KnownLastLayer | undefined;
  /** Where all that look at a picture look at the same rows and columns: which ones. */
  readonly taps?: Taps | undefined;
  /**
   * @param picture PNG, JPEG, GIF or PAM; a PAM can hold only the rows and columns of `taps`
   * @throws picture_undecodable, picture_too_large, network_output, classifier_crashed, classifier_unstartable, classifier_hung, classifier_closed
   */
  classify(picture: Buffer): Promise<Classified>;
  /**
   * The scores, and which parts of the picture raise or lower the score of a class: by the class activation map where
   * the network has one, else by hiding parts. The first call of a process takes longer.
   * @param picture as for `classify`
   * @throws as `classify` does; class_unknown, explanation_unavailable, engine_wrong
   */
  explain(picture: Buffer, category: string): Promise<Explained>;
  /**
   * The scores, and what enters the last layer of a frozen graph: what training fits a new last layer to. The first call
   * of a process takes longer.
   * @param picture as for `classify`
   * @throws as `classify` does; engine_wrong, training_impossible
   */
  features(picture: Buffer): Promise<Features>;
  /** Waits for the running calls, then ends the processes. @param deadline the calls that still run then fail */
  close(deadline?: AbortSignal): Promise<void>;
}
