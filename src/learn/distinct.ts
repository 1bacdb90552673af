import { createHash } from 'node:crypto';
import { patientOf, type Sample } from './sample.js';

/** A sample with the group of patients that no division may separate. */
export interface GroupedSample extends Sample {
  readonly group: string;
}

/**
 * Leaves out samples that repeat another one: equal features and the same label, or a replayed decision about a picture
 * of which a person has said something. Patients who share a picture are one group: an export under pseudonyms and the
 * archive from which it comes hold the same people.
 * @param all those of people before those that are replayed
 */
export function distinctSamples(all: readonly Sample[]): { samples: GroupedSample[]; repeated: number } {
  const parents = new Map<string, string>();
  const groupOf = (patient: string): string => {
    let group = patient;
    for (let next = parents.get(group); next !== undefined; next = parents.get(group)) group = next;
    return group;
  };
  const pictures = new Map<string, { patient: string; labels: Set<string> }>();
  const kept = all.filter((sample) => {
    const { picture, features, from } = sample;
    const patient = patientOf(sample);
    const key = keyOf(features);
    const known = pictures.get(key);
    if (known === undefined) {
      pictures.set(key, { patient, labels: new Set([picture.label]) });
      return true;
    }
    const [group, other] = [groupOf(patient), groupOf(known.patient)];
    if (group !== other) parents.set(group, other);
    const isRepeated = from === 'replay' || known.labels.has(picture.label);
    known.labels.add(picture.label);
    return !isRepeated;
  });
  return {
    samples: kept.map((sample) => ({ ...sample, group: groupOf(patientOf(sample)) })),
    repeated: all.length - kept.length,
  };
}

const keyOf = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
  createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex');
