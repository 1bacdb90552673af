import { createError } from '../errors/errors.js';
import type { StudyId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { IdentifiedInstance } from '../orthanc/resources.js';
import type { Aggregates } from './aggregates.js';
import { type Labelling, labelsOf, prefixed } from './labels.js';
import { recordOf } from './read.js';
import { metadataNames, unknownCategory } from './schema.js';
import { pictureOf } from './tags-record.js';
import { hasOtherVersion } from './versions.js';

/** What was written about an instance. */
export interface Written {
  /** As it was read before. */
  instance: IdentifiedInstance;
  study: StudyId;
  /** The record, as JSON. */
  text: string | undefined;
  /** The labels that were added to the instance. */
  added: readonly string[];
}

/** Rounds, each after another writer was met. What is left then, a sweep finds. */
const mostRounds = 8;

/**
 * Labels have no revision in Orthanc: what is written late stays beside the labels of another service's decision that
 * has replaced ours meanwhile, or on another file that has replaced the picture. So the record is read again after the
 * last write. Where it is not ours, all that we wrote follows the one that stands.
 * @throws picture_replaced where the file was replaced: nothing of ours is left on the new one
 */
export async function followStandingRecord(
  {
    orthanc,
    aggregates,
    labelPrefix,
    labelsTurned,
  }: Labelling & { orthanc: Orthanc; aggregates: Aggregates; labelPrefix: string },
  { instance, study, text, added }: Written,
): Promise<void> {
  const resource = `instances/${instance.ID}` as const;
  let settled = text;
  for (let round = 0; round < mostRounds; round++) {
    const now = await orthanc.hierarchy.again(instance);
    if (now === undefined || hasOtherVersion(now)) return;
    const isReplaced = pictureOf(now) !== pictureOf(instance);
    const standing = now.Metadata[metadataNames.record];
    if (standing === settled && !isReplaced) return aggregates.settled(study, now.ParentSeries);
    if (isReplaced && standing === text) {
      if (text !== undefined) await orthanc.metadata.delete(resource, metadataNames.record);
      delete now.Metadata[metadataNames.record];
    }
    settled = now.Metadata[metadataNames.record];
    const known = recordOf(now);
    const wanted = known === undefined ? [] : prefixed(labelPrefix, labelsOf(known.record, { labelsTurned }));
    for (const label of added)
      if (now.Labels.includes(label) && !wanted.includes(label)) await orthanc.labels.remove(resource, label);
    if (known === undefined) await orthanc.metadata.delete(resource, metadataNames.category);
    else if (!known.complete)
      await orthanc.metadata.put(resource, metadataNames.category, known.record.category ?? unknownCategory);
    await aggregates.aggregate(study, instance.ID);
    if (isReplaced) throw createError('picture_replaced', { instance: instance.ID });
  }
}
