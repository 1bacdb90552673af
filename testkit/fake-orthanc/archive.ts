import { createHash } from 'node:crypto';
import { Dataset, type Json } from './dataset.js';
import { type Level, levels, mainTags } from './dictionary.js';

export const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

export interface Attachment {
  uuid: string;
  bytes: Buffer;
}

export interface Resource {
  id: string;
  level: Level;
  /** Number in the order of creation. */
  number: number;
  parent: Resource | undefined;
  children: Set<Resource>;
  /** Attributes in the index, by tag. Those of series, study and patient come from the first instance. */
  mainTags: Map<string, Json>;
  /** Number → value. */
  metadata: Map<number, string>;
  labels: Set<string>;
  /** Number → attachment. */
  attachments: Map<number, Attachment>;
  isProtected: boolean;
  /** Only of an instance. */
  dataset: Dataset | undefined;
}

export interface ChangeEntry {
  ChangeType: string;
  Date: string;
  ID: string;
  Path: string;
  ResourceType: Level;
  Seq: number;
}

export interface Stored {
  ID: string;
  ParentPatient: string;
  ParentSeries: string;
  ParentStudy: string;
  Path: string;
  Status: 'Success' | 'AlreadyStored';
}

export const pathOf = ({ level, id }: Pick<Resource, 'level' | 'id'>): string =>
  `/${{ Patient: 'patients', Study: 'studies', Series: 'series', Instance: 'instances' }[level]}/${id}`;

const identifiers = ['0010,0020', '0020,000d', '0020,000e', '0008,0018'];

/** Orthanc's identifiers of patient, study, series and instance. */
function identifiersOf(dataset: Dataset): string[] {
  const values = identifiers.map((tag) => dataset.text(tag) ?? '');
  return values.map((_, index) =>
    createHash('sha1')
      .update(values.slice(0, index + 1).join('|'))
      .digest('hex')
      .replace(/(.{8})(?=.)/g, '$1-'),
  );
}

/** The resources of an Orthanc and its change log. */
export class Archive {
  readonly resources = new Map<string, Resource>();
  readonly changes: ChangeEntry[] = [];
  /** Sequence number of the newest change, also after its entry is deleted with its resource. */
  lastChange = 0;
  #resourceCount = 0;
  #uuidCount = 0;
  readonly #overwrite: boolean;
  readonly #now: () => string;

  /** @param options.now the time in Orthanc's format: 20240101T000000 */
  constructor(options: { overwrite: boolean; now: () => string }) {
    this.#overwrite = options.overwrite;
    this.#now = options.now;
  }

  /**
   * Stores a file.
   * @param modifiedFrom the instance that it was made of
   * @throws OrthancError where it is not a DICOM file
   */
  store(file: Buffer, modifiedFrom?: string): Stored {
    const dataset = new Dataset(file);
    const [patient = '', study = '', series = '', instance = ''] = identifiersOf(dataset);
    const ids = { ParentPatient: patient, ParentStudy: study, ParentSeries: series, ID: instance };
    const answer = { ...ids, Path: `/instances/${instance}` };
    const known = this.resources.get(instance);
    if (known !== undefined) {
      if (!this.#overwrite) return { ...answer, Status: 'AlreadyStored' };
      this.delete(known);
    }
    const date = this.#now();
    const line = levels.map((level, index) => ({ level, id: Object.values(ids)[index] ?? '' }));
    const made: Resource[] = [];
    let above: Resource | undefined;
    for (const { level, id } of line) {
      let resource = this.resources.get(id);
      if (resource === undefined) {
        resource = this.#add(level, id, above, dataset);
        made.push(resource);
      }
      if (level !== 'Instance') resource.metadata.set(7, date);
      above = resource;
    }
    if (above !== undefined) this.#describe(above, dataset, date, modifiedFrom);
    for (const resource of made.reverse()) this.recordChange(`New${resource.level}`, resource, date);
    return { ...answer, Status: 'Success' };
  }

  /** Deletes a resource with its children, and parents that become empty. @returns the nearest remaining parent */
  delete(resource: Resource): Resource | undefined {
    for (const child of [...resource.children]) this.#remove(child);
    this.#remove(resource);
    let above = resource.parent;
    while (above !== undefined && above.children.size === 0) {
      this.#remove(above);
      above = above.parent;
    }
    return above;
  }

  /** Adds an entry to the change log. */
  recordChange(type: string, resource: Resource, date = this.#now()): void {
    this.lastChange++;
    const { level, id } = resource;
    this.changes.push({
      ChangeType: type,
      Date: date,
      ID: id,
      Path: pathOf(resource),
      ResourceType: level,
      Seq: this.lastChange,
    });
  }

  newAttachment(bytes: Buffer): Attachment {
    const count = String(++this.#uuidCount).padStart(12, '0');
    return { uuid: `00000000-0000-4000-8000-${count}`, bytes };
  }

  /** All resources of a level, sorted by identifier as in Orthanc. */
  all(level: Level): Resource[] {
    return sortedById([...this.resources.values()].filter((resource) => resource.level === level));
  }

  #add(level: Level, id: string, parent: Resource | undefined, dataset: Dataset): Resource {
    const signature = mainTags[level];
    const tags = signature.split(';');
    const sequences = dataset.sequencesInFull(tags);
    const resource: Resource = {
      id,
      level,
      number: ++this.#resourceCount,
      parent,
      children: new Set(),
      mainTags: new Map(
        tags.flatMap((tag) => {
          const value = dataset.simplifiedOf(tag);
          return value === undefined || value === null ? [] : [[tag, value] as const];
        }),
      ),
      metadata: new Map([[15, signature]]),
      labels: new Set(),
      attachments: new Map(),
      isProtected: false,
      dataset: undefined,
    };
    if (level === 'Series') resource.metadata.set(3, '');
    if (Object.keys(sequences).length > 0)
      resource.metadata.set(16, JSON.stringify({ Sequences: sequences, Version: 1 }));
    parent?.children.add(resource);
    this.resources.set(id, resource);
    return resource;
  }

  #describe(instance: Resource, dataset: Dataset, date: string, modifiedFrom: string | undefined): void {
    instance.dataset = dataset;
    instance.attachments.set(1, this.newAttachment(dataset.file));
    const index = dataset.text('0020,0013');
    const pixels = dataset.element('7fe0,0010');
    const entries: [number, string | undefined][] = [
      [1, index === '' ? undefined : index],
      [2, date],
      [3, ''],
      [5, modifiedFrom],
      [8, 'RestApi'],
      [9, dataset.transferSyntax],
      [10, dataset.text('0008,0016')],
      [11, '127.0.0.1'],
      [13, ''],
      [14, pixels === undefined ? undefined : String(pixels.at)],
    ];
    for (const [number, value] of entries) if (value !== undefined) instance.metadata.set(number, value);
  }

  #remove(resource: Resource): void {
    for (const child of [...resource.children]) this.#remove(child);
    resource.parent?.children.delete(resource);
    this.resources.delete(resource.id);
    // Orthanc deletes the entries of a deleted resource.
    const kept = this.changes.filter(({ ID }) => ID !== resource.id);
    this.changes.splice(0, this.changes.length, ...kept);
  }
}

export const sortedById = (resources: Iterable<Resource>): Resource[] =>
  [...new Set(resources)].sort((a, b) => (a.id < b.id ? -1 : 1));

/** The resource itself, its parent or its children at this level. */
export function relatives(resource: Resource, level: Level): Resource[] {
  const depth = levels.indexOf(level) - levels.indexOf(resource.level);
  if (depth === 0) return [resource];
  if (depth < 0) return resource.parent === undefined ? [] : relatives(resource.parent, level);
  return [...resource.children].flatMap((child) => relatives(child, level));
}

/** The dataset of an instance; of other levels, that of the first instance. */
export const datasetOf = (resource: Resource): Dataset | undefined =>
  sortedById(relatives(resource, 'Instance'))[0]?.dataset;
