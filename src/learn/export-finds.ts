import { slices } from '../async/slices.js';
import type { InstanceId } from '../orthanc/ids.js';
import { type AttributeColumn, shownValue } from '../select/attributes.js';
import { categoryOrDecision, type Find } from '../select/finds.js';
import { type Exported, type ExportedRow, type ExportOptions, exportPictures } from './export-pictures.js';

type Options = Omit<ExportOptions, 'instances' | 'columns' | 'rowOf'> & {
  rows: ReadonlyMap<InstanceId, ExportedRow>;
  attributes: readonly AttributeColumn[];
};

const pageSize = 100;

/**
 * Writes the pictures of decided radiographs, and `labels.csv`.
 * @param rows made by `rowOf`, with the same attributes
 * @throws as `exportPictures`
 */
export const exportFinds = ({ rows, attributes, ...options }: Options): Promise<Exported> =>
  exportPictures({
    ...options,
    instances: slices([...rows.keys()], pageSize),
    columns: ['who', 'decision', 'score', ...attributes.map(({ keyword }) => keyword)],
    rowOf: ({ ID }) => rows.get(ID),
  });

/** The label is the recorded category, or the decision where there is none. */
export function rowOf(find: Find, attributes: readonly AttributeColumn[]): ExportedRow {
  const { who, decision, top } = find.record ?? {};
  const shown = attributes.map((each) => shownValue(each, find.attribute(each.keyword), false));
  return { label: categoryOrDecision(find), values: [who, decision, top?.[0]?.score, ...shown] };
}
