import { datasetOf, type Resource, relatives, sortedById } from './archive.js';
import type { Json } from './dataset.js';
import { attributeOf, keywordOf, type Level, levels, mainTags } from './dictionary.js';
import { OrthancError, outOfRange } from './orthanc-error.js';
import type { Registry } from './registry.js';

/** Parts of a resource that `ResponseContent` of `/tools/find` can request. */
const parts = [
  'Attachments',
  'Children',
  'IsStable',
  'Labels',
  'MainDicomTags',
  'Metadata',
  'Parent',
  'RequestedTags',
  'Status',
] as const;
export type Part = (typeof parts)[number] | 'File' | 'LastUpdate';

/** Parts of the response to `GET /{level}/{id}`. */
export const wholePage: readonly Part[] = [
  'Children',
  'File',
  'IsStable',
  'Labels',
  'LastUpdate',
  'MainDicomTags',
  'Parent',
  'Status',
];

/** @throws OrthancError where a name is not a part */
export function partsNamed(names: readonly string[]): Part[] {
  return names.map((name) => {
    const part = parts.find((each) => each === name);
    if (part === undefined) throw outOfRange(`Unrecognized value for "ResponseContent": ${name}`);
    return part;
  });
}

const childrenName: Record<Level, string> = {
  Patient: 'Studies',
  Study: 'Series',
  Series: 'Instances',
  Instance: '',
};

export interface Shape {
  parts: readonly Part[];
  /** Tags instead of keywords. */
  short?: boolean;
  /** Keywords. */
  requestedTags?: readonly string[];
}

/** A resource in Orthanc's JSON. */
export function contentOf(resource: Resource, registry: Registry, shape: Shape): Record<string, unknown> {
  const { level, parent, metadata } = resource;
  const has = (part: Part) => shape.parts.includes(part);
  const named = (tags: Map<string, Json>) =>
    Object.fromEntries(
      [...tags].map(([tag, value]) => (shape.short ? [tag, byTag(value)] : [keywordOf(tag), value])),
    );
  const content: Record<string, unknown> = { ID: resource.id, Type: level };
  if (has('MainDicomTags')) {
    content.MainDicomTags = named(resource.mainTags);
    if (level === 'Study' && parent !== undefined) content.PatientMainDicomTags = named(parent.mainTags);
  }
  if (has('Labels')) content.Labels = [...resource.labels].sort();
  if (has('Metadata')) content.Metadata = registry.named(metadata);
  if (has('Parent') && parent !== undefined) content[`Parent${parent.level}`] = parent.id;
  if (has('Attachments'))
    content.Attachments = [...resource.attachments].map(([number, attachment]) =>
      registry.attachmentInfo(number, attachment),
    );
  if (has('Children') && level !== 'Instance')
    content[childrenName[level]] = sortedById(resource.children).map(({ id }) => id);
  // In the fake, every resource is stable at once.
  if (has('IsStable') && level !== 'Instance') content.IsStable = true;
  if (has('LastUpdate') && level !== 'Instance') content.LastUpdate = metadata.get(7);
  if (has('Status') && level === 'Series') content.Status = 'Unknown';
  if (has('File') && level === 'Series') content.ExpectedNumberOfInstances = null;
  const file = resource.attachments.get(1);
  if (has('File') && level === 'Instance' && file !== undefined) {
    const index = Number(metadata.get(1));
    content.FileSize = file.bytes.length;
    content.FileUuid = file.uuid;
    content.IndexInSeries = Number.isInteger(index) ? index : null;
  }
  if (shape.requestedTags !== undefined && shape.requestedTags.length > 0)
    content.RequestedTags = requestedTags(resource, shape.requestedTags);
  return content;
}

/** Replaces keywords in the items of a sequence by tags. */
function byTag(value: Json): Json {
  if (!Array.isArray(value)) return value;
  return value.map((item) =>
    Object.fromEntries(Object.entries(item).map(([keyword, each]) => [tagOf(keyword), byTag(each)])),
  );
}

function requestedTags(resource: Resource, names: readonly string[]): Record<string, Json> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const tag = tagOf(name);
      const value = attributeValue(resource, tag);
      if (value !== undefined) return [[name, value] as const];
      // An attribute that is not in the index, and not in the file.
      return levelOfTag(tag) === undefined ? [[name, null] as const] : [];
    }),
  );
}

/** @throws OrthancError for an unknown attribute */
export function tagOf(name: string): string {
  const attribute = attributeOf(name);
  if (attribute === undefined) throw new OrthancError(500, 27, 'Unknown DICOM tag', name);
  return attribute.tag;
}

const levelOfTag = (tag: string): Level | undefined =>
  levels.find((each) => mainTags[each].split(';').includes(tag));

/** Value of an attribute: from the index where it is of this level or a parent, else from the file. */
export function attributeValue(resource: Resource, tag: string): Json | undefined {
  const keyword = keywordOf(tag);
  if (keyword === 'ModalitiesInStudy') return modalitiesOf(resource);
  if (keyword === 'NumberOfStudyRelatedInstances')
    return String(relatives(resource, 'Study').flatMap((study) => relatives(study, 'Instance')).length);
  const level = levelOfTag(tag);
  const indexLevel = level && levels.indexOf(level) <= levels.indexOf(resource.level) ? level : undefined;
  if (indexLevel !== undefined) return relatives(resource, indexLevel)[0]?.mainTags.get(tag);
  return datasetOf(resource)?.simplifiedOf(tag);
}

function modalitiesOf(resource: Resource): string {
  const series = relatives(resource, 'Study').flatMap((study) => relatives(study, 'Series'));
  return [...new Set(series.map(({ mainTags: tags }) => String(tags.get('0008,0060') ?? '')))]
    .sort()
    .join('\\');
}
