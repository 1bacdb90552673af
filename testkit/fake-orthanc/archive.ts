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
  /** Grows with each resource. */
  number: number;
  parent: Resource | undefined;
  children: Set<Resource>;
  /** What the index keeps: by tag. Of a series and above: from the instance that came first. */
  mainTags: Map<string, Json>;
  /** By number. */
  metadata: Map<number, string>;
  labels: Set<string>;
  /** By number. */
  attachments: Map<number, Attachment>;
  isProtected: boolean;
  /** Of an instance. */
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

/** Orthanc's identifiers of a file's patient, study, series and instance. */
function identify(dataset: Dataset): string[] {
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
  /** The number of the newest change, also where its resource is deleted and the entry with it. */
  lastChange = 0;
  #resourcesMade = 0;
  #uuidsMade = 0;
  readonly #overwrites: boolean;
  readonly #now: () => string;

  /** @param options.now the time as Orthanc writes it: 20240101T000000 */
  constructor(options: { overwrites: boolean; now: () => string }) {
    this.#overwrites = options.overwrites;
    this.#now = options.now;
  }

  /** @throws Refusal where it is no DICOM file */
  store(file: Buffer): Stored {
    const dataset = new Dataset(file);
    const [patient = '', study = '', series = '', instance = ''] = identify(dataset);
    const ids = { ParentPatient: patient, ParentStudy: study, ParentSeries: series, ID: instance };
    const answer = { ...ids, Path: `/instances/${instance}` };
    const known = this.resources.get(instance);
    if (known !== undefined) {
      if (!this.#overwrites) return { ...answer, Status: 'AlreadyStored' };
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
    if (above !== undefined) this.#describe(above, dataset, date);
    for (const resource of made.reverse()) this.recordChange(`New${resource.level}`, resource, date);
    return { ...answer, Status: 'Success' };
  }

  /** With all that is below it, and what is above it and becomes empty. @returns the nearest that stays above it */
  delete(resource: Resource): Resource | undefined {
    for (const child of [...resource.children]) this.#forget(child);
    this.#forget(resource);
    let above = resource.parent;
    while (above !== undefined && above.children.size === 0) {
      this.#forget(above);
      above = above.parent;
    }
    return above;
  }

  /** An entry in the change log. */
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
    const count = String(++this.#uuidsMade).padStart(12, '0');
    return { uuid: `00000000-0000-4000-8000-${count}`, bytes };
  }

  /** In the order of their identifiers, as Orthanc lists them. */
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
      number: ++this.#resourcesMade,
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

  #describe(instance: Resource, dataset: Dataset, date: string): void {
    instance.dataset = dataset;
    instance.attachments.set(1, this.newAttachment(dataset.file));
    const index = dataset.text('0020,0013');
    const pixels = dataset.element('7fe0,0010');
    const entries: [number, string | undefined][] = [
      [1, index === '' ? undefined : index],
      [2, date],
      [3, ''],
      [8, 'RestApi'],
      [9, dataset.transferSyntax],
      [10, dataset.text('0008,0016')],
      [11, '127.0.0.1'],
      [13, ''],
      [14, pixels === undefined ? undefined : String(pixels.at)],
    ];
    for (const [number, value] of entries) if (value !== undefined) instance.metadata.set(number, value);
  }

  #forget(resource: Resource): void {
    for (const child of [...resource.children]) this.#forget(child);
    resource.parent?.children.delete(resource);
    this.resources.delete(resource.id);
    // Orthanc's log forgets what is deleted.
    const kept = this.changes.filter(({ ID }) => ID !== resource.id);
    this.changes.splice(0, this.changes.length, ...kept);
  }
}

export const sortedById = (resources: Iterable<Resource>): Resource[] =>
  [...new Set(resources)].sort((a, b) => (a.id < b.id ? -1 : 1));

/** The resource itself, or what lies above or below it at that level. */
export function relatives(resource: Resource, level: Level): Resource[] {
  const depth = levels.indexOf(level) - levels.indexOf(resource.level);
  if (depth === 0) return [resource];
  if (depth < 0) return resource.parent === undefined ? [] : relatives(resource.parent, level);
  return [...resource.children].flatMap((child) => relatives(child, level));
}

/** An instance's file, or of what lies below: of the first one. */
export const datasetOf = (resource: Resource): Dataset | undefined =>
  sortedById(relatives(resource, 'Instance'))[0]?.dataset;
