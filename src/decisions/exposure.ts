import { byPurpose, type Exposure, isSameExposure } from '../orthanc/exposure.js';
import type { InstanceId, StudyId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { IdentifiedInstance } from '../orthanc/resources.js';
import { recordOf } from './read.js';
import type { InstanceRecord } from './schema.js';

/** A picture among others of its study. */
export interface Standing {
  exposure?: Exposure | undefined;
  who?: 'network' | 'person' | undefined;
  /** Of the network, softmax, 0 to 1. */
  score?: number | undefined;
}

/**
 * Sorts for what a viewer should show: a picture for presentation before a raw one, a person's decision before a
 * network's, an original before a derived one, then the best score.
 */
export function byStanding(a: Standing, b: Standing): number {
  const isRaw = ({ exposure }: Standing) => Number(exposure?.isForProcessing ?? false);
  const isByOther = ({ who }: Standing) => Number(who !== 'person');
  const score = (each: Standing) => (each.who === 'person' ? 0 : (each.score ?? 0));
  return (
    isRaw(a) - isRaw(b) ||
    isByOther(a) - isByOther(b) ||
    byPurpose(a.exposure, b.exposure) ||
    score(b) - score(a)
  );
}

/** @returns the picture of the same exposure that stands for it in place of this one; undefined where this one does */
export function standsInstead<P extends Standing>(picture: P, study: readonly P[]): P | undefined {
  const { exposure } = picture;
  if (exposure === undefined) return undefined;
  const image = (each: P) => each.exposure?.image ?? '';
  const [best] = study
    .filter((other) => other.exposure !== undefined && isSameExposure(other.exposure, exposure))
    .sort((a, b) => byStanding(a, b) || (image(a) < image(b) ? -1 : 1));
  return best === undefined || image(best) === exposure.image ? undefined : best;
}

/** A decided instance that shows the same exposure as another one. */
export interface OtherPicture {
  instance: InstanceId;
  record: InstanceRecord;
}

/**
 * The other decided instances of a study that show this exposure.
 * @param known all instances of the study, where they were just read
 */
export async function otherPictures(
  orthanc: Orthanc,
  study: StudyId,
  exposure: Exposure | undefined,
  known?: readonly IdentifiedInstance[],
): Promise<OtherPicture[]> {
  if (exposure === undefined) return [];
  const instances = known ?? (await orthanc.hierarchy.instances([study]));
  return instances.flatMap((instance) => {
    const record = recordOf(instance)?.record;
    const other = record?.exposure;
    const isOther = other !== undefined && other.image !== exposure.image && isSameExposure(other, exposure);
    return record !== undefined && isOther ? [{ instance: instance.ID, record }] : [];
  });
}
