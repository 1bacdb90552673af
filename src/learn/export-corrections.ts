import type { Config } from '../config/options.js';
import type { Selection } from '../contract/selection.js';
import { recordOf } from '../decisions/read.js';
import { labelOf } from '../evaluate/corrected-instances.js';
import type { InstanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { select } from '../select/select.js';
import { type Exported, type ExportOptions, exportPictures } from './export-pictures.js';

type Options = Omit<ExportOptions, 'instances' | 'columns' | 'rowOf'> & { selection: Selection };

/**
 * Writes the pictures about which people have decided, and `labels.csv`, which `evaluate` and training read.
 * @throws as `exportPictures`
 */
export const exportCorrections = (options: Options): Promise<Exported> =>
  exportPictures({
    ...options,
    instances: corrected(options.orthanc, options.selection, options.config),
    columns: ['network_said'],
    rowOf: (instance) => {
      const label = labelOf(instance);
      const before = recordOf(instance)?.record.before;
      // Undone meanwhile.
      if (label === undefined) return undefined;
      return { label, values: [before?.category ?? before?.decision ?? ''] };
    },
  });

async function* corrected(
  orthanc: Orthanc,
  selection: Selection,
  { modalities }: Pick<Config, 'modalities'>,
): AsyncGenerator<InstanceId[]> {
  for await (const page of select(orthanc, selection, modalities))
    yield page.filter((instance) => labelOf(instance) !== undefined).map(({ ID }) => ID);
}
