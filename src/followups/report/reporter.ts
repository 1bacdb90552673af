import { z } from 'zod';
import type { Categories } from '../../anatomy/categories.js';
import type { Derived } from '../../decisions/derived.js';
import { recordOf } from '../../decisions/read.js';
import { metadataNames, readRecord } from '../../decisions/schema.js';
import { hasPartOfOtherVersion } from '../../decisions/versions.js';
import { createError } from '../../errors/errors.js';
import type { StudyTree } from '../../orthanc/hierarchy.js';
import { type InstanceId, instanceId, type ResourcePath, type StudyId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import { indexedKinds } from '../../orthanc/radiographs.js';
import type { IdentifiedInstance, InstanceContent, SeriesContent } from '../../orthanc/resources.js';
import type { Locks } from '../../store/locks.js';
import type { FollowUp } from '../follow-up.js';
import { dictionary, type Keyword, optionalOfPicture, requiredOfPicture } from './attributes.js';
import type { ReportedInstance } from './content.js';
import {
  type OfPicture,
  type ReportDocument,
  reportDocument,
  reportSeriesUid,
  reportSopClass,
} from './document.js';
import { padded } from './file.js';

/** The content of the metadata `RadiographResult`. */
const resultRecord = z.object({
  version: z.literal(1),
  /** On an instance: `when` of the decision that was reported, or whose report failed. */
  of: z.string().optional(),
  /** SOPInstanceUID of the report about this resource. */
  report: z.string().optional(),
  /** SOPInstanceUIDs of replaced reports. Recorded before they are deleted, so that a crash leaves none behind. */
  stale: z.array(z.string()).optional(),
  /** On a study: the number of its instances that the report is about. */
  about: z.number().optional(),
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
});
type ResultRecord = z.output<typeof resultRecord>;

export type ReportLevel = 'instance' | 'study';

/** An instance with its series. */
interface InstanceInSeries {
  content: IdentifiedInstance;
  series: SeriesContent;
}

/** Keeps a structured report of the decisions in each study: one for each instance, or one for all of them. */
export class Reporter implements FollowUp, Derived {
  readonly name = 'report';
  readonly #orthanc: Orthanc;
  readonly #level: ReportLevel;
  readonly #locks: Locks;
  readonly #categories: Categories;

  constructor(orthanc: Orthanc, level: ReportLevel, locks: Locks, categories: Categories) {
    this.#orthanc = orthanc;
    this.#level = level;
    this.#locks = locks;
    this.#categories = categories;
  }

  isDue(instance: InstanceContent): boolean {
    const known = recordOf(instance);
    if (known === undefined || !known.complete) return false;
    const of = resultOf(instance)?.of;
    // A failure is not reported, but a report of an earlier decision is removed.
    return of !== known.record.when && (known.record.decision !== 'failed' || of !== undefined);
  }

  async run(id: InstanceId): Promise<void> {
    const study = await this.#orthanc.hierarchy.studyOf(id);
    await this.#locks.shared('study report', study, () => this.#keep(study, id));
  }

  async recordFailure(instance: InstanceContent, failure: { code: string; message: string }): Promise<void> {
    const of = recordOf(instance)?.record.when;
    const known = resultOf(instance);
    await this.#put(`instances/${instance.ID}`, {
      version: 1,
      ...known,
      failure,
      ...(of === undefined ? {} : { of }),
    });
  }

  /**
   * Whether all reports in a study are about the instances that are still there. Where something is to be decided or
   * reported, its own job sees to it.
   */
  isUpToDate(tree: StudyTree): boolean {
    const { study, instances } = tree;
    if (hasPartOfOtherVersion(tree)) return true;
    if (instances.some((each) => recordOf(each)?.complete === false || this.isDue(each))) return true;
    if (unclaimed(tree).length > 0) return false;
    const about = resultOf(study)?.about;
    return (
      this.#level === 'instance' || about === undefined || about === instances.filter(isReportable).length
    );
  }

  async update(study: StudyId): Promise<void> {
    await this.#locks.shared('study report', study, () => this.#keep(study));
  }

  async #keep(study: StudyId, requested?: InstanceId): Promise<void> {
    const tree = await this.#orthanc.hierarchy.tree(study);
    if (tree === undefined) return; // deleted meanwhile
    await this.#report(tree, requested);
    if (unclaimed(tree).length > 0) await this.#deleteUnclaimed(study);
  }

  /** @param requested the instance whose report is made even if it is not due */
  async #report(tree: StudyTree, requested?: InstanceId): Promise<void> {
    const study = tree.study.ID;
    const instances = identifiedIn(tree);
    const studyInstanceUid = tree.study.MainDicomTags['0020,000d'];
    if (this.#level === 'instance') {
      for (const each of instances)
        if ((each.content.ID === requested && isReportable(each.content)) || this.isDue(each.content))
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

  /** Stores the report about these instances, if it has content, and deletes the reports that it replaces. */
  async #replace(
    study: StudyId,
    studyInstanceUid: string,
    resource: ResourcePath,
    about: readonly InstanceInSeries[],
    metadata: Record<string, string>,
  ): Promise<void> {
    const reported = about.flatMap(reportedOf);
    const [source] = about.filter(({ content }) => isReportable(content));
    const ofPicture = source === undefined ? undefined : await this.#ofPicture(source.content.ID);
    const document = ofPicture && reportDocument(studyInstanceUid, reported, ofPicture, this.#categories);
    const report = document?.sopInstanceUid;
    const known = resultOf({ Metadata: metadata });
    const former = [...(known?.stale ?? []), ...(known?.report === undefined ? [] : [known.report])];
    const stale = former.filter((uid) => uid !== report);
    if (stale.length > 0 || known?.report !== report)
      await this.#put(resource, { version: 1, report, stale });
    if (document !== undefined) await this.#store(study, document);
    for (const uid of stale) await this.#delete(uid, study, studyInstanceUid);
    const [first] = about;
    const of = resource.startsWith('instances/') && first ? recordOf(first.content)?.record.when : undefined;
    await this.#put(resource, {
      version: 1,
      report,
      ...(of === undefined ? {} : { of }),
      ...(resource.startsWith('studies/') ? { about: reported.length } : {}),
    });
  }

  /** Attributes of patient and study, as the file of the picture has them. A required one that is missing is empty. */
  async #ofPicture(id: InstanceId): Promise<OfPicture> {
    const keywords: Keyword[] = [...requiredOfPicture, ...optionalOfPicture];
    const tags = keywords.map((keyword) => dictionary[keyword][0]);
    const found = await this.#orthanc.files.elements(id, tags);
    const empty = new Set<Keyword>(requiredOfPicture);
    return new Map(
      keywords.flatMap((keyword): [Keyword, Buffer][] => {
        const bytes = found.get(dictionary[keyword][0]) ?? (empty.has(keyword) ? Buffer.alloc(0) : undefined);
        // An empty character set is the default one, which is told by none.
        const isNone = keyword === 'SpecificCharacterSet' && bytes?.toString('latin1').trim() === '';
        return bytes === undefined || isNone ? [] : [[keyword, padded(keyword, bytes)]];
      }),
    );
  }

  /** @throws report_not_kept where the stored report has not the patient and the study of the picture */
  async #store(study: StudyId, { file, ofPicture }: ReportDocument): Promise<void> {
    const { instanceStore } = this.#orthanc;
    const stored = await instanceStore.store(file);
    if (!['Success', 'AlreadyStored'].includes(stored.Status))
      throw createError('report_not_kept', { why: `Orthanc says ${stored.Status}` });
    const found = await this.#ofPicture(stored.ID);
    const other = [...ofPicture.keys(), ...found.keys()].find(
      (keyword) => !found.get(keyword)?.equals(ofPicture.get(keyword) ?? Buffer.of(0)),
    );
    if (stored.ParentStudy === study && other === undefined) return;
    await instanceStore.delete(stored.ID);
    const why =
      other === undefined ? 'Orthanc put it into another study' : `its ${other} is not the picture's`;
    throw createError('report_not_kept', { why });
  }

  /**
   * Deletes a report of ours. Anybody can write metadata, so the SOP class and the series are checked. A copy of the study
   * can have the same UIDs.
   */
  async #delete(sopInstanceUid: string, study: StudyId, studyInstanceUid: string): Promise<void> {
    const { search, hierarchy, instanceStore } = this.#orthanc;
    const found = (await search.lookup(sopInstanceUid)).filter(({ type }) => type === 'Instance');
    const ids = found.map(({ id }) => instanceId.parse(id));
    const places = await hierarchy.identifiersByInstance(ids);
    for (const { ID, Metadata } of await hierarchy.instances(ids)) {
      const place = places.get(ID);
      const isOurs =
        Metadata.SopClassUid === reportSopClass &&
        place?.study === study &&
        place.seriesInstanceUid === reportSeriesUid(studyInstanceUid);
      if (isOurs) await instanceStore.delete(ID);
    }
  }

  /** Deletes the reports of ours that are of no instance here: theirs was deleted, or moved away. */
  async #deleteUnclaimed(study: StudyId): Promise<void> {
    const tree = await this.#orthanc.hierarchy.tree(study);
    if (tree === undefined || hasPartOfOtherVersion(tree)) return;
    for (const { ID } of unclaimed(tree)) await this.#orthanc.instanceStore.delete(ID);
  }

  #put(resource: ResourcePath, result: ResultRecord): Promise<void> {
    return this.#orthanc.metadata.put(resource, metadataNames.result, JSON.stringify(result));
  }
}

const resultOf = ({ Metadata }: Pick<InstanceContent, 'Metadata'>): ResultRecord | undefined =>
  readRecord(resultRecord, Metadata[metadataNames.result]);

/** The reports of ours, by SOP class and series, that neither the study nor an instance in it names as its own. */
function unclaimed({ study, series, instances }: StudyTree): IdentifiedInstance[] {
  const uid = reportSeriesUid(study.MainDicomTags['0020,000d']);
  const ours = series.filter(({ MainDicomTags }) => MainDicomTags['0020,000e'] === uid).map(({ ID }) => ID);
  const claims = [study, ...instances].flatMap((each) => {
    const { report, stale = [] } = resultOf(each) ?? {};
    return [...stale, ...(report === undefined ? [] : [report])];
  });
  return instances.filter(
    ({ ParentSeries, Metadata, MainDicomTags }) =>
      ours.includes(ParentSeries) &&
      Metadata.SopClassUid === reportSopClass &&
      !claims.includes(MainDicomTags['0008,0018']),
  );
}

function isReportable(content: InstanceContent): boolean {
  const known = recordOf(content);
  return known?.complete === true && known.record.decision !== 'failed';
}

function reportedOf({ content, series }: InstanceInSeries): ReportedInstance[] {
  const known = recordOf(content);
  const sopClassUid = content.Metadata.SopClassUid;
  if (known === undefined || sopClassUid === undefined || !isReportable(content)) return [];
  return [
    {
      sopClassUid,
      sopInstanceUid: content.MainDicomTags['0008,0018'],
      seriesInstanceUid: series.MainDicomTags['0020,000e'],
      modality: indexedKinds(sopClassUid, series.MainDicomTags['0008,0060'])[0] ?? 'OT',
      record: known.record,
    },
  ];
}

const identifiedIn = ({ series, instances }: StudyTree): InstanceInSeries[] =>
  instances.flatMap((content) => {
    const above = series.find(({ ID }) => ID === content.ParentSeries);
    return above === undefined ? [] : [{ content, series: above }];
  });
