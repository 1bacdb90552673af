import { z } from 'zod';
import { otherClass } from '../classify/decide.js';
import type { Config } from '../config/options.js';
import type { Selection } from '../contract/selection.js';
import { saysWhatItShows } from '../decisions/correction.js';
import { recordOf } from '../decisions/read.js';
import { type InstanceId, instanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { InstanceContent } from '../orthanc/resources.js';
import { frameOf } from '../pipeline/eligible.js';
import { pictureKey } from '../pipeline/kept-features.js';
import { select } from '../select/select.js';
import type { GroundTruth, LabelledPicture } from './ground-truth.js';

/** DICOM attributes by which figures can be grouped. None of them identifies a person. */
export const groupAttributes = z.enum([
  'Modality',
  'Manufacturer',
  'ManufacturerModelName',
  'StationName',
  'InstitutionName',
  'ProtocolName',
  'BodyPartExamined',
  'ViewPosition',
  'PatientSex',
]);

export interface CorrectedOptions {
  readonly orthanc: Orthanc;
  readonly selection: Selection;
  readonly by: z.output<typeof groupAttributes> | undefined;
  readonly config: Pick<Config, 'orthancUrl' | 'modalities' | 'multiframe'>;
  readonly onFound: (count: number) => void;
}

/**
 * Reads the instances of an Orthanc to which a person has assigned a category or none of them. Their pictures are
 * rendered as for the service. Only identifiers are kept, so memory stays small.
 * @throws orthanc_…
 */
export async function correctedInstances(options: CorrectedOptions): Promise<GroundTruth> {
  const { orthanc, selection, by, config, onFound } = options;
  const pictures: LabelledPicture[] = [];
  for await (const page of select(orthanc, selection, config.modalities)) {
    const labelled = page.flatMap((instance) => {
      const label = labelOf(instance);
      return label === undefined ? [] : [{ instance, label }];
    });
    const identifiers = await orthanc.hierarchy.identifiersByInstance(
      labelled.map(({ instance }) => instance.ID),
    );
    const found = labelled.map(async ({ instance: { ID }, label }) => {
      const patient = identifiers.get(ID)?.patient;
      return {
        id: ID,
        label,
        ...(by === undefined ? {} : { group: (await orthanc.search.attribute(ID, by)) ?? '(none)' }),
        ...(patient === undefined ? {} : { patient }),
      };
    });
    pictures.push(...(await Promise.all(found)));
    onFound(labelled.length);
  }
  return {
    name: `what people have said in the Orthanc at ${config.orthancUrl.join(', ')}`,
    pictures,
    read: ({ id }) => renderedPicture(orthanc, instanceId.parse(id), config),
    keyOf: ({ id }) => renderingKey(orthanc, instanceId.parse(id), config),
    warnings: [
      'People look at what a network was unsure of or wrong about, and see what it said: the figures are those of the pictures that they looked at, not of all radiographs.',
    ],
  };
}

/** The person's label; undefined where no person decided, or where the decision is not comparable. */
export function labelOf(instance: InstanceContent): string | undefined {
  const record = recordOf(instance)?.record;
  if (record === undefined || !saysWhatItShows(record)) return undefined;
  return record.category ?? (record.decision === 'unknown_view' ? otherClass : undefined);
}

/** As the service renders it. */
export async function renderedPicture(
  orthanc: Orthanc,
  id: InstanceId,
  config: Pick<Config, 'multiframe'>,
): Promise<Buffer> {
  const { tags } = await orthanc.hierarchy.describe(id);
  return orthanc.renderings.whole(id, frameOf(tags, config), async (picture) => picture, tags);
}

/** As the service identifies it. */
export async function renderingKey(
  orthanc: Orthanc,
  id: InstanceId,
  config: Pick<Config, 'multiframe'>,
): Promise<string | undefined> {
  const file = await orthanc.files.uuid(id);
  return file === undefined ? undefined : pictureKey(file, config);
}
