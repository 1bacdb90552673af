import type { Logger } from 'pino';
import type { Categories } from '../../anatomy/categories.js';
import type { CorrectionStore } from '../../decisions/correction-store.js';
import { recordOf } from '../../decisions/read.js';
import { groupRecord, metadataNames, readRecord } from '../../decisions/schema.js';
import { receptionNames, type TagsRecord, tagsOf } from '../../decisions/tags-record.js';
import { asPlainviewError, createError } from '../../errors/errors.js';
import type { InstanceId, ResourcePath, StudyId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { IdentifiedInstance, InstanceContent, StudyContent } from '../../orthanc/resources.js';
import type { UserData } from '../../orthanc/user-data-backup.js';
import type { Locks } from '../../store/locks.js';
import { isDamaged, isStoreAway, type Store } from '../../store/store.js';
import type { FollowUp } from '../follow-up.js';
import { type Journal, Journals } from './journal.js';
import { planTags, type TagsMode, type WantedTags, wantedTags } from './plan.js';

interface Parts {
  orthanc: Orthanc;
  mode: TagsMode;
  categories: Categories;
  store: Store;
  corrections: Pick<CorrectionStore, 'stillStands'>;
  locks: Locks;
  /** Brings the labels of ours on series and study up to date: decisions' and rules'. */
  addUp: (study: StudyId, changed: InstanceId) => Promise<void>;
  /** What was cut off was put back: routes that wait in it may have been sent meanwhile, or nobody knows of them. */
  onPutBack: () => void;
  log: Logger;
}

/**
 * Writes what a category says into the stored DICOM file. Orthanc does that by deleting the instance and storing it
 * anew, and with it go metadata, attachments and labels – of series, study and patient too, where it was the only
 * instance – and a patient's protection. So all of that is noted on disk first and put back afterwards; a journal that
 * is still there tells of what was cut off.
 */
export class Tagger implements FollowUp {
  readonly name = 'tags';
  readonly #parts: Parts;
  readonly #journals: Journals;
  /** Readings that have begun: see `whole`. */
  readonly #readings = new Set<{ id: InstanceId; isStale: boolean }>();
  readonly #storing = new Set<InstanceId>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#journals = new Journals(parts.store);
  }

  isDue(instance: InstanceContent): boolean {
    const known = recordOf(instance);
    if (known === undefined || !known.complete) return false;
    const tags = tagsOf(instance);
    if (tags?.of === known.record.when) return false;
    return known.record.decision === 'category' || Object.keys(tags?.written ?? {}).length > 0;
  }

  async run(id: InstanceId): Promise<void> {
    await this.#exclusive(id, async (instance, study) => {
      const record = recordOf(instance)?.record;
      if (record === undefined || !this.isDue(instance)) return;
      await this.#change(instance, study, wantedTags(record, this.#parts.mode, this.#parts.categories), {
        of: record.when,
      });
    });
  }

  async recordFailure(instance: InstanceContent, failure: { code: string; message: string }): Promise<void> {
    const of = recordOf(instance)?.record.when;
    if (of === undefined) return;
    await this.#put(instance.ID, { version: 1, written: {}, ...tagsOf(instance), of, failure });
  }

  /**
   * Gives a file back what stood there before, but for what others have changed since.
   * @returns whether there was anything of ours
   * @throws instance_gone, tags_not_written, orthanc_…
   */
  undo(id: InstanceId): Promise<boolean> {
    return this.#exclusive(id, async (instance, study) => {
      const tags = tagsOf(instance);
      if (tags === undefined || Object.keys(tags.written).length === 0) return false;
      const of = recordOf(instance)?.record.when ?? tags.of;
      await this.#change(instance, study, {}, { of, undone: true });
      return true;
    });
  }

  /**
   * Reads an instance while nothing of it is lost or being put back: else it could be taken for an undecided one. A file
   * that is stored late, after this has returned, is another picture for the recorder.
   */
  async whole<T>(id: InstanceId, read: () => Promise<T>): Promise<T> {
    for (;;) {
      const reading = { id, isStale: false };
      this.#readings.add(reading);
      try {
        const [result] = await Promise.allSettled([read()]);
        await this.#settled(id);
        if (reading.isStale) continue;
        if (result.status === 'rejected') throw result.reason;
        return result.value;
      } finally {
        this.#readings.delete(reading);
      }
    }
  }

  /** Whether a notice of a stored instance tells of the file that is being stored anew here. */
  isStoring(id: InstanceId): boolean {
    return this.#storing.has(id);
  }

  async #settled(id: InstanceId): Promise<void> {
    await this.#parts.locks.exclusive('instance', id, () => this.#mend(id));
  }

  /** Orthanc answers: puts back what a crash left lost. */
  async resume(): Promise<void> {
    for (const instance of await this.#journals.list())
      await this.#settled(instance).catch((caught: unknown) => {
        const error = asPlainviewError(caught);
        // One instance's, which its own jobs meet again: the service is there for all others.
        if (!isDamaged(error) && !isStoreAway(error)) throw error;
        this.#parts.log.error({ err: error, instance }, 'what was cut off could not be put right');
      });
  }

  async #exclusive<T>(
    id: InstanceId,
    task: (instance: IdentifiedInstance, study: StudyContent) => Promise<T>,
  ): Promise<T> {
    const study = await this.#parts.orthanc.hierarchy.studyAbove(id);
    return this.#parts.locks.exclusive('study files', study.ID, () =>
      this.#parts.locks.exclusive('instance', id, async () => {
        await this.#mend(id);
        return task(await this.#parts.orthanc.hierarchy.instance(id), study);
      }),
    );
  }

  async #change(
    instance: IdentifiedInstance,
    study: StudyContent,
    wanted: WantedTags,
    more: Pick<TagsRecord, 'of' | 'undone'>,
  ): Promise<void> {
    const { ID: id, FileUuid: before } = instance;
    const former = tagsOf(instance);
    const file = await this.#parts.orthanc.tagEditor.attributes(id);
    const { written, ...edit } = planTags(wanted, file, former?.written ?? {}, this.#parts.mode);
    const { received, file: came = received === undefined ? before : undefined } = former ?? {};
    const tags = {
      version: 1 as const,
      written,
      ...(came === undefined ? {} : { file: came }),
      ...(received === undefined ? {} : { received }),
      ...more,
    };
    if (Object.keys(edit.set).length + edit.remove.length === 0) return this.#put(id, tags);
    if (encryptedAttributes in file)
      throw createError('tags_not_written', {
        why: 'a part of it is encrypted, and may be signed digitally',
      });
    const edited = await this.#parts.orthanc.tagEditor.edited(id, edit, pixelsFrom(instance));
    const isFirst = (await this.#journals.read(id)) === undefined;
    const { kept, file: now } = await this.#keep(lineOf(instance, study));
    if (now !== before) throw createError('orthanc_conflict', { what: `instance ${id}` });
    const journal: Journal = {
      version: 1,
      instance: id,
      study: study.ID,
      file: before,
      kept,
      until: Date.now() + lateMs,
      tags: { ...tags, received: received ?? receptionOf(instance) },
    };
    await this.#journals.write(journal);
    this.#storing.add(id);
    try {
      const status = await this.#parts.orthanc.tagEditor.store(edited);
      if (!(await this.#settle(journal, isFirst)))
        throw createError('tags_not_written', { why: `Orthanc says ${status}` });
    } finally {
      this.#storing.delete(id);
    }
  }

  /**
   * What Orthanc will lose. Labels of ours on series and study are left to adding up.
   * @returns `file`: what Orthanc calls the instance's file. It is read last: all else is from before its next storing
   */
  async #keep(line: readonly ResourcePath[]): Promise<{ kept: UserData[]; file: string | undefined }> {
    const all = await this.#parts.orthanc.userData.read(line);
    const kept = all.map(({ resource, metadata, attachments, labels, isProtected, named }) => {
      const ours = resource.startsWith('instances/') ? [] : notedIn(named);
      const others = labels.filter((label) => !ours.includes(label));
      return { resource, metadata, attachments, labels: others, isProtected };
    });
    return { kept, file: all.at(-1)?.file };
  }

  async #mend(id: InstanceId): Promise<void> {
    const journal = await this.#journals.read(id);
    if (journal === undefined) return;
    if (journal.lingers && Date.now() > journal.until) return this.#journals.drop(id);
    const isReplaced = await this.#settle(journal, false);
    if (!isReplaced) return;
    this.#parts.log.warn({ instance: id }, 'writing tags was cut off: what was lost by it stands again');
    this.#parts.onPutBack();
  }

  /**
   * @param isOver Orthanc has answered all that it was asked
   * @returns whether the file was replaced; if not, nothing has been lost
   */
  async #settle(journal: Journal, isOver: boolean): Promise<boolean> {
    const { instance, study, file, kept, tags } = journal;
    const line = kept.map(({ resource }) => resource);
    const found = await this.#parts.orthanc.userData.find(line);
    // An instance that is only left out must not be taken for a deleted one: the journal is all that is left of its data.
    const now = found.get(`instances/${instance}`)?.file ?? (await this.#parts.orthanc.files.uuid(instance));
    const isReplaced = now !== undefined && now !== file;
    if (isReplaced) {
      if (found.size < line.length) throw createError('orthanc_conflict', { what: `instance ${instance}` });
      for (const reading of this.#readings) reading.isStale ||= reading.id === instance;
      for (const each of kept)
        await this.#parts.orthanc.userData.restore(each, found.get(each.resource), labelsNotedIn);
      if (journal.lingers) await this.#dropOutdated(instance);
      await this.#parts.addUp(study, instance);
      // Last: where it stands, so does all else.
      await this.#put(instance, tags);
    }
    if (isOver || now === undefined || Date.now() > journal.until) await this.#journals.drop(instance);
    else {
      const next = await this.#keep(line);
      // Else it was replaced once more, and what this journal keeps is lost again.
      if (next.file === now)
        await this.#journals.write({ ...journal, file: now, kept: next.kept, lingers: true });
    }
    return isReplaced;
  }

  /** A journal that lingers may be older than the last words about a picture: then they are put back as of a new file. */
  async #dropOutdated(id: InstanceId): Promise<void> {
    const { orthanc, corrections } = this.#parts;
    const known = recordOf(await orthanc.hierarchy.instance(id));
    if (known === undefined || (await corrections.stillStands(id, known.record))) return;
    const resource: ResourcePath = `instances/${id}`;
    // The record last: it tells which labels are Plainview's.
    for (const label of known.record.labels) await orthanc.labels.remove(resource, label);
    for (const name of [metadataNames.category, metadataNames.record])
      await orthanc.metadata.delete(resource, name);
  }

  #put(id: InstanceId, tags: TagsRecord): Promise<void> {
    return this.#parts.orthanc.metadata.put(`instances/${id}`, metadataNames.tags, JSON.stringify(tags));
  }
}

/** The labels that a record or routes note as Plainview's. */
const labelsNotedIn = (text: string | undefined): string[] =>
  readRecord(groupRecord.pick({ labels: true }), text)?.labels ?? [];

/** An instance and what is above it, the instance last: where its own user data is restored, all else is, too. */
const lineOf = (
  { ID, ParentSeries }: InstanceContent,
  { ID: study, ParentPatient }: StudyContent,
): ResourcePath[] => [
  `patients/${ParentPatient}`,
  `studies/${study}`,
  `series/${ParentSeries}`,
  `instances/${ID}`,
];

/** The labels of a series or study that are noted as ours. */
const notedIn = (named: Record<string, string>): string[] =>
  [metadataNames.record, metadataNames.routes].flatMap((name) => labelsNotedIn(named[name]));

/** How late a proxy or a busy Orthanc may still store what was sent to it. */
const lateMs = 600_000;

/** Encrypted Attributes Sequence. DICOM has it at the top level only. */
const encryptedAttributes = '0400,0500';

function pixelsFrom({ Metadata: { PixelDataOffset } }: InstanceContent): number {
  // Missing on what an Orthanc before 1.9.1 has stored, and where the dataset is deflated.
  if (PixelDataOffset === undefined || !/^[1-9]\d*$/.test(PixelDataOffset))
    throw createError('tags_not_written', {
      why: 'Orthanc has not noted where its pixels begin: it is deflated, or must be reconstructed',
    });
  return Number(PixelDataOffset);
}

const receptionOf = ({ Metadata }: InstanceContent): Record<string, string> =>
  Object.fromEntries(
    receptionNames.flatMap((name) => (Metadata[name] === undefined ? [] : [[name, Metadata[name]]])),
  );
