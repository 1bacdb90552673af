import { z } from 'zod';
import { recordOf } from '../../decisions/read.js';
import { metadataNames, readRecord } from '../../decisions/schema.js';
import type { StudyTree } from '../../orthanc/hierarchy.js';
import { type InstanceId, instanceId, type ResourcePath, type StudyId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { IdentifiedInstance, InstanceContent, SeriesContent } from '../../orthanc/resources.js';
import type { Locks } from '../../store/locks.js';
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

/** An instance with its series. */
interface Identified {
  content: IdentifiedInstance;
  series: SeriesContent;
}

/** Keeps a structured report of the decisions in each study: one for each instance, or one for all of them. */
export class Reporter implements FollowUp {
  readonly name = 'report';
  readonly #orthanc: Orthanc;
  readonly #level: ReportLevel;
  readonly #locks: Locks;

  constructor(orthanc: Orthanc, level: ReportLevel, locks: Locks) {
    this.#orthanc = orthanc;
    this.#level = level;
    this.#locks = locks;
  }

  isDue(instance: InstanceContent): boolean {
    const known = recordOf(instance);
    if (known === undefined || !known.complete) return false;
    const of = resultOf(instance)?.of;
    // Nothing is reported of a failure, but what was reported before it is taken back.
    return of !== known.record.when && (known.record.decision !== 'failed' || of !== undefined);
  }

  async run(id: InstanceId): Promise<void> {
    const study = await this.#orthanc.hierarchy.studyOf(id);
    await this.#locks.shared('study report', study, () => this.#report(study, id));
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
    const tree = await this.#orthanc.hierarchy.tree(study);
    if (tree === undefined) return; // deleted meanwhile
    const instances = identifiedIn(tree);
    const studyInstanceUid = tree.study.MainDicomTags['0020,000d'];
    if (this.#level === 'instance') {
      for (const each of instances)
        if ((each.content.ID === asked && isReportable(each.content)) || this.isDue(each.content))
          await this.#replace(
            study,
            studyInstanceUid,
            `instances/${each.content.ID}`,
            [each],
            each.content.Metadata,
          );
      return;
    }
    const before = tree.study.Metadata[metadataNames.result];
    if (before !== undefined || instances.some(({ content }) => isReportable(content)))
      await this.#replace(study, studyInstanceUid, `studies/${study}`, instances, {
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
    studyInstanceUid: string,
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
    if (document !== undefined) await this.#orthanc.instanceStore.create(study, document.attributes);
    for (const uid of stale) await this.#delete(uid, studyInstanceUid);
    const [first] = about;
    const of = resource.startsWith('instances/') && first ? recordOf(first.content)?.record.when : undefined;
    await this.#put(resource, {
      version: 1,
      report,
      ...(of === undefined ? {} : { of }),
    });
  }

  /** Anybody may write metadata: only what is surely a report of ours is deleted. */
  async #delete(sopInstanceUid: string, studyInstanceUid: string): Promise<void> {
    const { search, hierarchy, instanceStore } = this.#orthanc;
    const found = (await search.lookup(sopInstanceUid)).find(({ type }) => type === 'Instance');
    if (found === undefined) return;
    const id = instanceId.parse(found.id);
    const [instance] = await hierarchy.instances([id]);
    const place = (await hierarchy.identifiersByInstance([id])).get(id);
    const isOurs =
      instance?.Metadata.SopClassUid === reportSopClass &&
      place?.seriesInstanceUid === reportSeriesUid(studyInstanceUid);
    if (isOurs) await instanceStore.delete(id);
  }

  #put(resource: ResourcePath, result: ResultRecord): Promise<void> {
    return this.#orthanc.metadata.put(resource, metadataNames.result, JSON.stringify(result));
  }
}

const resultOf = (instance: InstanceContent): ResultRecord | undefined =>
  readRecord(resultRecord, instance.Metadata[metadataNames.result]);

function isReportable(content: InstanceContent): boolean {
  const known = recordOf(content);
  return known?.complete === true && known.record.decision !== 'failed';
}

function reportedOf({ content, series }: Identified): Reported[] {
  const known = recordOf(content);
  const sopClassUid = content.Metadata.SopClassUid;
  if (known === undefined || sopClassUid === undefined || !isReportable(content)) return [];
  return [
    {
      sopClassUid,
      sopInstanceUid: content.MainDicomTags['0008,0018'],
      seriesInstanceUid: series.MainDicomTags['0020,000e'],
      modality: series.MainDicomTags['0008,0060'],
      record: known.record,
    },
  ];
}

const identifiedIn = ({ series, instances }: StudyTree): Identified[] =>
  instances.flatMap((content) => {
    const above = series.find(({ ID }) => ID === content.ParentSeries);
    return above === undefined ? [] : [{ content, series: above }];
  });
