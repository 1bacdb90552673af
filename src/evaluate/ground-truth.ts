import { otherClass } from '../classify/decide.js';
import type { Network } from '../classify/network.js';

/** A picture with a person's label. */
export interface LabelledPicture {
  /** Identifier in the source: the path as in the labels file, or Orthanc's identifier. */
  readonly id: string;
  /** A category; any other text means none of the categories. */
  readonly label: string;
  /** Value of the column or attribute by which figures are grouped. */
  readonly group?: string;
  readonly patient?: string;
}

/** A source of labelled pictures. */
export interface GroundTruth {
  /** For the report: a path, or the URL of an Orthanc. */
  readonly name: string;
  /** SHA-256 of the labels file, hexadecimal; absent for other sources. */
  readonly sha256?: string;
  readonly pictures: readonly LabelledPicture[];
  /** @returns the file; the caller owns its memory */
  read(picture: LabelledPicture): Promise<Buffer>;
  /**
   * Identifies the picture that `read` gives, where that is known without reading it. Another content has another key.
   * @returns undefined where it is not known
   */
  keyOf?(picture: LabelledPicture): Promise<string | undefined>;
  /** What a reader of the figures must know about this source. */
  readonly warnings: readonly string[];
}

/** The right class of a label: the label itself where the network has such a class, else `other`. */
export const trueClass = ({ classes }: Pick<Network, 'classes'>, label: string): string =>
  classes.includes(label) ? label : otherClass;
