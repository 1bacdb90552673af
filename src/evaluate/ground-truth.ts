import { otherClass } from '../classify/decide.js';
import type { Network } from '../classify/network.js';

/** A picture, and what people say that it shows. */
export interface LabelledPicture {
  /** How it is called in the source: the path as the labels file writes it, or Orthanc's identifier. */
  readonly id: string;
  /** A category, or anything else: none of the categories. */
  readonly label: string;
  /** Value of the column by which figures are broken down. */
  readonly group?: string;
  readonly patient?: string;
}

/** Where pictures and their labels come from. */
export interface GroundTruth {
  /** For the report: a path, or an Orthanc's address. */
  readonly name: string;
  /** SHA-256 of the labels file, hexadecimal, where there is one. */
  readonly sha256?: string;
  readonly pictures: readonly LabelledPicture[];
  /** @returns the file, whose memory the caller may give away */
  read(picture: LabelledPicture): Promise<Buffer>;
  /** What a reader of the figures must know about this source. */
  readonly warnings: readonly string[];
}

/** A picture's label as the network could say it: one of its classes, or `other`. */
export const trueClass = ({ classes }: Pick<Network, 'classes'>, label: string): string =>
  classes.includes(label) ? label : otherClass;
