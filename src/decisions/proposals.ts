import type { InstanceContent } from '../orthanc/resources.js';
import type { Labelling } from './labels.js';
import type { LabelledResource } from './owned-labels.js';
import { recordIn } from './read.js';
import { type GroupRecord, groupRecord, metadataNames, readRecord } from './schema.js';

/** How categories are named as labels, and what else has a label. */
export interface CategoryLabels extends Labelling {
  /** The site's. */
  prefix: string;
  /** Those that a person may choose. */
  categories: readonly string[];
}

/**
 * The categories that somebody proposes: they set the label of a category in Orthanc, on a study or on one of these
 * instances of it, and no decision gives that category there. Such a label is neither a decision nor ours to remove. A
 * reviewer takes the proposal, by a correction, or dismisses it.
 * @param record that of the study, where it is known better than from its metadata
 */
export function proposedCategories(
  study: LabelledResource,
  instances: readonly InstanceContent[],
  names: CategoryLabels,
  record: Omit<GroupRecord, 'version'> | undefined = groupRecordOf(study),
): string[] {
  if (record === undefined || Object.keys(record.decisions).length === 0) return [];
  const found = new Set([
    ...foreignCategories(study, record.labels, Object.keys(record.categories), names),
    ...instances.flatMap((instance) => {
      const known = recordIn(instance);
      return known === undefined
        ? []
        : foreignCategories(
            instance,
            known.labels,
            known.category === undefined ? [] : [known.category],
            names,
          );
    }),
  ]);
  return [...found].filter((category) => record.dismissed?.includes(category) !== true).sort();
}

const groupRecordOf = ({ Metadata }: LabelledResource): GroupRecord | undefined =>
  readRecord(groupRecord, Metadata[metadataNames.record]);

function foreignCategories(
  { Labels }: { Labels: readonly string[] },
  ours: readonly string[],
  given: readonly string[],
  { prefix, categories }: CategoryLabels,
): string[] {
  return Labels.filter((label) => !ours.includes(label) && label.startsWith(prefix))
    .map((label) => label.slice(prefix.length))
    .filter((category) => categories.includes(category) && !given.includes(category));
}
