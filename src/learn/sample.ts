import type { LabelledPicture } from '../evaluate/ground-truth.js';

/** A labelled picture with what enters the last layer of the network. */
export interface Sample {
  readonly picture: LabelledPicture;
  readonly features: Float32Array;
  /** `replay`: a confident decision of the network, which a person has not looked at. */
  readonly from: 'person' | 'replay';
}

/** Pictures of one patient belong together. Without a known patient, each is of its own. */
export const patientOf = ({ picture: { patient, id } }: Pick<Sample, 'picture'>): string =>
  patient === undefined ? `picture ${id}` : `patient ${patient}`;
