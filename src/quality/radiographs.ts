import { slices } from '../async/slices.js';
import { recordOf } from '../decisions/read.js';
import type { InstanceRecord } from '../decisions/schema.js';
import { declaredByOthers } from '../decisions/tags-record.js';
import { hasOtherVersion } from '../decisions/versions.js';
import { studyDates } from '../orthanc/dates.js';
import type { Declared } from '../orthanc/declared.js';
import type { InstanceId } from '../orthanc/ids.js';
import { inHalves } from '../orthanc/in-halves.js';
import type { DatedInstance } from '../orthanc/listing.js';
import type { Orthanc } from '../orthanc/orthanc.js';

/** A radiograph as the report sees it. */
export interface Radiograph {
  instance: InstanceId;
  /** YYYYMMDD */
  studyDate: string | undefined;
  /** Undefined where no record tells it, and the file cannot be read. */
  declared: Declared | undefined;
  /** Undefined where nothing has been decided; `other version` where only another version of Plainview can read it. */
  record: InstanceRecord | 'other version' | undefined;
}

/** Of a part of the archive. */
export interface Page {
  series: number;
  radiographs: Radiograph[];
}

export interface Range {
  from?: string | undefined;
  to?: string | undefined;
}

const seriesPage = 250;
/** Files that one call reads: few, so that it ends long before PLAINVIEW_ORTHANC_TIMEOUT_MS. */
const filesPage = 50;

/** Runs a step, and may run it again. It returns undefined where the list is to end. */
export type Retry = <T>(step: () => Promise<T>) => Promise<T | undefined>;

/**
 * All radiographs of a range of Study Dates. Orthanc's index has all that is needed of those whose record tells what the
 * file declares. Of the others Orthanc reads the files.
 * @throws orthanc_…
 */
export async function* radiographs(
  orthanc: Orthanc,
  range: Range,
  modalities: readonly string[],
  retry: Retry = (step) => step(),
): AsyncGenerator<Page> {
  for (let since = 0; ; ) {
    const query = studyDates(range);
    const series = await retry(() => orthanc.search.series(query, { since, limit: seriesPage }));
    if (series === undefined || series.length === 0) return;
    const found = await retry(async () => {
      const { holding } = await orthanc.hierarchy.withRadiographs(series, modalities);
      const instances = await orthanc.listing.ofSeries(holding, modalities);
      return withDeclared(orthanc, instances);
    });
    if (found === undefined) return;
    yield { series: series.length, radiographs: found };
    since += series.length;
  }
}

async function withDeclared(orthanc: Orthanc, instances: readonly DatedInstance[]): Promise<Radiograph[]> {
  const all = instances.map((each) => ({ each, record: recordOf(each.instance)?.record }));
  const untold = all.flatMap(({ each, record }) => (record?.declared === undefined ? [each] : []));
  const files = new Map<InstanceId, Declared>();
  for (const some of slices(untold, filesPage)) {
    const read = async (part: readonly DatedInstance[]) => [...(await orthanc.listing.declared(part))];
    for (const [id, declared] of await inHalves(orthanc, some, read, () => {})) files.set(id, declared);
  }
  return all.map(({ each: { instance, studyDate }, record }) => {
    const ofFile = files.get(instance.ID);
    const declared = record?.declared ?? (ofFile && declaredByOthers(ofFile, instance));
    const known = record ?? (hasOtherVersion(instance) ? 'other version' : undefined);
    return { instance: instance.ID, studyDate, declared, record: known };
  });
}
