import { z } from 'zod';
import { SingleFlight } from '../../async/single-flight.js';
import { recordOf } from '../../decisions/read.js';
import { metadataNames, readRecord } from '../../decisions/schema.js';
import type { InstanceId, ResourcePath, StudyId } from '../../orthanc/ids.js';
import { InstanceStore, type StudyIdentities } from '../../orthanc/instance-store.js';
import type { Described, Orthanc } from '../../orthanc/orthanc.js';
import type { InstanceContent } from '../../orthanc/resources.js';
import type { FollowUp } from '../follow-up.js';
import type { Reported } from './content.js';
import { reportDocument, reportSeriesUid, reportSopClass } from './document.js';

/** What stands in `RadiographResult`. */
const resultRecord = z.object({
  version: z.literal(1),
  /** On an instance: `when` of the decision that a report says, or could not be made of. */
  of: z.string().optional(),
  /** SOPInstanceUID of the report about this resource. */
  report: z.string().optional(),
  /** SOPInstanceUIDs of reports that it replaces: noted before they are deleted, so that a crash leaves none behind. */
  stale: z.array(z.string()).optional(),
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
});
type ResultRecord = z.output<typeof resultRecord>;

export type ReportLevel = 'instance' | 'study';

type Identified = StudyIdentities['instances'][number];

/** Keeps a structured report of the decisions in each study: one for each instance, or one for all of them. */
export class Reporter implements FollowUp {
  readonly name = 'report';
  readonly #orthanc: Orthanc;
  readonly #authoring: InstanceStore;
  readonly #level: ReportLevel;
  readonly #studies = new SingleFlight<StudyId>();

  constructor(orthanc: Orthanc, level: ReportLevel) {
    this.#orthanc = orthanc;
    this.#authoring = new InstanceStore(orthanc.rest);
    this.#level = level;
  }

  isDue(instance: InstanceContent): boolean {
    const known = recordOf(instance);
    if (known === undefined || !known.complete) return false;
    const of = resultOf(instance)?.of;
    // Nothing is reported of a failure, but what was reported before it is taken back.
    return of !== known.record.when && (known.record.decision !== 'failed' || of !== undefined);
  }

  async run({ instance }: Described): Promise<void> {
    const study = await this.#orthanc.studyOf(instance.ID);
    await this.#studies.run(study, () => this.#report(study, instance.ID));
  }

  async giveUp(instance: InstanceContent, failure: { code: string; message: string }): Promise<void> {
    const of = recordOf(instance)?.record.when;
    const known = resultOf(instance);
    await this.#put(`instances/${instance.ID}`, {
      version: 1,
      ...known,
      failure,
      ...(of === undefined ? {} : { of }),
    });
  }

  async #report(study: StudyId, asked: InstanceId): Promise<void> {
    const identities = await this.#authoring.identities(study);
    if (identities === undefined) return; // deleted meanwhile
    const { instances } = identities;
    if (this.#level === 'instance') {
      for (const each of instances)
        if ((each.content.ID === asked && isReportable(each.content)) || this.isDue(each.content))
          await this.#replace(
            study,
            identities,
            `instances/${each.content.ID}`,
            [each],
            each.content.Metadata,
          );
      return;
    }
    const before = await this.#orthanc.metadata(`studies/${study}`, metadataNames.result);
    if (before !== undefined || instances.some(({ content }) => isReportable(content)))
      await this.#replace(study, identities, `studies/${study}`, instances, {
        ...(before === undefined ? {} : { [metadataNames.result]: before }),
      });
    for (const { content } of instances) {
      const of = recordOf(content)?.record.when;
      if (of !== undefined && this.isDue(content))
        await this.#put(`instances/${content.ID}`, { version: 1, of });
    }
  }

  /** Stores the report about these instances, if there is anything to report, and deletes those that it replaces. */
  async #replace(
    study: StudyId,
    { studyInstanceUid }: StudyIdentities,
    resource: ResourcePath,
    about: readonly Identified[],
    metadata: Record<string, string>,
  ): Promise<void> {
    const reported = about.flatMap(reportedOf);
    const document = reported.length === 0 ? undefined : reportDocument(studyInstanceUid, reported);
    const report = document?.sopInstanceUid;
    const known = readRecord(resultRecord, metadata[metadataNames.result]);
    const former = [...(known?.stale ?? []), ...(known?.report === undefined ? [] : [known.report])];
    const stale = former.filter((uid) => uid !== report);
    if (stale.length > 0 || known?.report !== report)
      await this.#put(resource, { version: 1, report, stale });
    if (document !== undefined) await this.#authoring.create(study, document.attributes);
    for (const uid of stale) await this.#delete(uid, studyInstanceUid);
    const [first] = about;
    const of = resource.startsWith('instances/') && first ? recordOf(first.content)?.record.when : undefined;
    await this.#put(resource, {
      version: 1,
      report,
      ...(of === undefined ? {} : { of }),
    });
  }

  /** Metadata is anybody's to write: only what is surely a report of ours is deleted. */
  async #delete(sopInstanceUid: string, studyInstanceUid: string): Promise<void> {
    const id = await this.#authoring.instanceOf(sopInstanceUid);
    if (id === undefined) return;
    const isOurs = await this.#authoring.isIn(id, {
      sopClassUid: reportSopClass,
      seriesInstanceUid: reportSeriesUid(studyInstanceUid),
    });
    if (isOurs) await this.#authoring.deleteInstance(id);
  }

  #put(resource: ResourcePath, result: ResultRecord): Promise<void> {
    return this.#orthanc.putMetadata(resource, metadataNames.result, JSON.stringify(result));
  }
}

const resultOf = (instance: InstanceContent): ResultRecord | undefined =>
  readRecord(resultRecord, instance.Metadata[metadataNames.result]);

function isReportable(content: InstanceContent): boolean {
  const known = recordOf(content);
  return known?.complete === true && known.record.decision !== 'failed';
}

function reportedOf({ content, ...identity }: Identified): Reported[] {
  const known = recordOf(content);
  return known === undefined || !isReportable(content) ? [] : [{ ...identity, record: known.record }];
}
