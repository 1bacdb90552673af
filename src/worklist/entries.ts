import { fail } from '../errors.js';
import type { Entry } from '../http/api/review/schema.js';
import { Descriptions, type FileTags, type Placed } from '../orthanc/descriptions.js';
import type { InstanceId, StudyId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { recordOf } from '../record/recorder.js';

/** Instances as people are shown them: the decision, DICOM's own words, the labels. */
export class Entries {
  readonly #orthanc: Orthanc;
  readonly #descriptions: Descriptions;

  constructor(orthanc: Orthanc) {
    this.#orthanc = orthanc;
    this.#descriptions = new Descriptions(orthanc.rest);
  }

  /** In the order of the identifiers; what is gone or undecided is left out. */
  async of(ids: readonly InstanceId[]): Promise<Listed[]> {
    return (await this.#descriptions.of(ids)).flatMap((described) => {
      const entry = entryOf(described);
      return entry === undefined ? [] : { entry, searched: searchedOf(described) };
    });
  }

  /** @throws instance_gone, instance_undecided */
  async one(id: InstanceId): Promise<Entry> {
    const [[described], file] = await Promise.all([this.#descriptions.of([id]), this.#descriptions.file(id)]);
    if (described === undefined) throw fail('instance_gone', { instance: id });
    const entry = entryOf(described, file);
    if (entry === undefined) throw fail('instance_undecided', { instance: id });
    return entry;
  }

  /** How many frames a decided instance has. @throws instance_gone, instance_undecided */
  async frames(id: InstanceId): Promise<number> {
    const [described] = await this.#descriptions.of([id]);
    if (described === undefined) throw fail('instance_gone', { instance: id });
    if (recordOf(described.instance) === undefined) throw fail('instance_undecided', { instance: id });
    return framesOf(described.instance.MainDicomTags);
  }

  async ofStudy(id: StudyId): Promise<Entry[]> {
    const tree = await this.#orthanc.studyTree(id);
    const listed = await this.of((tree?.instances ?? []).map(({ ID }) => ID));
    return listed.map(({ entry }) => entry);
  }
}

export interface Listed {
  entry: Entry;
  /** What a search by words looks at. It is never answered: accession numbers are in it. */
  searched: string;
}

const tag = {
  sopInstanceUid: '0008,0018',
  frames: '0028,0008',
  seriesInstanceUid: '0020,000e',
  studyInstanceUid: '0020,000d',
  accessionNumber: '0008,0050',
  requestedProcedure: '0032,1060',
} as const;

const seriesWords = {
  modality: '0008,0060',
  bodyPartExamined: '0018,0015',
  seriesDescription: '0008,103e',
  protocolName: '0018,1030',
  stationName: '0008,1010',
} as const;
const studyWords = { studyDescription: '0008,1030', studyDate: '0008,0020', studyTime: '0008,0030' } as const;

type Tags = Record<string, string>;

/** Values without the padding; absent where there is nothing. */
function words<K extends string>(tags: Tags, wanted: Record<K, string>): Partial<Record<K, string>> {
  const found: Partial<Record<K, string>> = {};
  for (const name in wanted) {
    const value = tags[wanted[name]]?.trim();
    if (value) found[name] = value;
  }
  return found;
}

function entryOf({ instance, series, study }: Placed, file?: FileTags): Entry | undefined {
  const known = recordOf(instance);
  if (known === undefined) return undefined;
  const { version: _, labels: __, ms: ___, ...decision } = known.record;
  const laterality = file?.ImageLaterality ?? file?.Laterality;
  return {
    ...decision,
    instance: instance.ID,
    series: series.ID,
    study: study.ID,
    sopInstanceUid: instance.MainDicomTags[tag.sopInstanceUid] ?? '',
    seriesInstanceUid: series.MainDicomTags[tag.seriesInstanceUid] ?? '',
    studyInstanceUid: study.MainDicomTags[tag.studyInstanceUid] ?? '',
    frames: framesOf(instance.MainDicomTags),
    ...(file?.Rows === undefined ? {} : { rows: file.Rows }),
    ...(file?.Columns === undefined ? {} : { columns: file.Columns }),
    ...(file?.WindowCenter === undefined || file.WindowWidth === undefined
      ? {}
      : { voi: { center: file.WindowCenter, width: file.WindowWidth } }),
    dicom: {
      ...words(series.MainDicomTags, seriesWords),
      ...words(study.MainDicomTags, studyWords),
      ...(file?.ViewPosition === undefined ? {} : { viewPosition: file.ViewPosition }),
      ...(laterality === undefined ? {} : { laterality }),
    },
    labels: [...instance.Labels].sort(),
  };
}

const framesOf = (instanceTags: Tags): number => Math.max(1, Number(instanceTags[tag.frames]) || 1);

function searchedOf({ instance, series, study }: Placed): string {
  const { modality: _, ...descriptions } = seriesWords;
  return [
    ...Object.values(words(series.MainDicomTags, { ...descriptions, uid: tag.seriesInstanceUid })),
    ...Object.values(
      words(study.MainDicomTags, {
        description: studyWords.studyDescription,
        requested: tag.requestedProcedure,
        accession: tag.accessionNumber,
        uid: tag.studyInstanceUid,
      }),
    ),
    instance.MainDicomTags[tag.sopInstanceUid] ?? '',
  ]
    .join('\n')
    .toLowerCase();
}
