import { z } from 'zod';
import { fail, PlainviewError } from '../errors.js';
import { contents } from './bulk.js';
import type { InstanceId } from './ids.js';
import { instanceContent, seriesContent, studyContent } from './resources.js';
import type { Rest } from './rest.js';

/** Tags of `/tools/bulk-content` with `Short: true`, all of them optional. */
const mainTags = z.record(z.string(), z.string()).default({});

const described = {
  instance: instanceContent.extend({ MainDicomTags: mainTags }),
  series: seriesContent.extend({ MainDicomTags: mainTags }),
  study: studyContent.extend({ MainDicomTags: mainTags }),
};

/** An instance with what Orthanc's index knows of it, of its series and of its study. */
export interface Placed {
  instance: z.output<typeof described.instance>;
  series: z.output<typeof described.series>;
  study: z.output<typeof described.study>;
}

const number = z.coerce.number().optional().catch(undefined);
/** The first value of a tag that may have several. */
const firstNumber = z
  .string()
  .transform((text) => Number(text.split('\\')[0]?.trim() || Number.NaN))
  .pipe(z.number())
  .optional()
  .catch(undefined);
const text = z.string().trim().min(1).optional().catch(undefined);

/** `/instances/{id}/simplified-tags`: what Orthanc has to read the file for. */
const fileTags = z.object({
  Rows: number,
  Columns: number,
  ViewPosition: text,
  ImageLaterality: text,
  Laterality: text,
  WindowCenter: firstNumber,
  WindowWidth: firstNumber,
});
export type FileTags = z.output<typeof fileTags>;

/** What people are told of instances beside the decision. Of the patient, nothing is asked for. */
export class Descriptions {
  readonly #rest: Rest;

  constructor(rest: Rest) {
    this.#rest = rest;
  }

  /** In the order of the identifiers, by three calls; those that are gone are left out. */
  async of(ids: readonly InstanceId[]): Promise<Placed[]> {
    if (ids.length === 0) return [];
    const [instances, series, studies] = await Promise.all([
      contents(this.#rest, described.instance, ids, 'Instance'),
      contents(this.#rest, described.series, ids, 'Series'),
      contents(this.#rest, described.study, ids, 'Study'),
    ]);
    const byId = <T extends { ID: string }>(all: readonly T[]) =>
      new Map<string, T>(all.map((one) => [one.ID, one]));
    const [instanceOf, seriesOf, studyOf] = [byId(instances), byId(series), byId(studies)];
    return ids.flatMap((id) => {
      const instance = instanceOf.get(id);
      const parent = seriesOf.get(instance?.ParentSeries ?? '');
      const study = studyOf.get(parent?.ParentStudy ?? '');
      return instance && parent && study ? { instance, series: parent, study } : [];
    });
  }

  /** @throws instance_gone */
  async file(id: InstanceId): Promise<FileTags> {
    const url = `/instances/${id}/simplified-tags`;
    try {
      return await this.#rest.json(fileTags, { method: 'GET', url });
    } catch (error) {
      if (error instanceof PlainviewError && error.code === 'orthanc_absent')
        throw fail('instance_gone', { instance: id }, error);
      throw error;
    }
  }
}
