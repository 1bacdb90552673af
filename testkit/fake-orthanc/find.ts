import { z } from 'zod';
import { type Archive, type Resource, relatives } from './archive.js';
import { attributeValue, contentOf, partsNamed, type Shape, tagOf, wholePage } from './content.js';
import { attributeOf, type Level, levels } from './dictionary.js';
import { badRequest, outOfRange } from './orthanc-error.js';
import type { Registry } from './registry.js';

const order = z.object({
  Type: z.enum([
    'DicomTag',
    'DicomTagAsInt',
    'DicomTagAsFloat',
    'Metadata',
    'MetadataAsInt',
    'MetadataAsFloat',
  ]),
  Key: z.string(),
  Direction: z.enum(['ASC', 'DESC']),
});
const constraints = ['All', 'Any', 'None'] as const;
/** Orthanc's error messages for each field. */
const errorMessages: Record<string, string> = {
  Level: 'Field "Level" is missing, or should be a string',
  Query: 'Field "Query" is missing, or should be a JSON object',
  Labels: 'Field "Labels" must be an array of strings',
  LabelsConstraint: 'Field "LabelsConstraint" must be "All", "Any", or "None"',
  OrderBy:
    'Field "Type" must be "DicomTag", "DicomTagAsInt", "DicomTagAsFloat" or "Metadata", "MetadataAsInt", "MetadataAsFloat"',
};
const request = z.object({
  Level: z.string(),
  Query: z.record(z.string(), z.unknown()),
  CaseSensitive: z.boolean().default(false),
  Expand: z.boolean().default(false),
  Short: z.boolean().default(false),
  Labels: z.array(z.string()).default([]),
  LabelsConstraint: z.enum(constraints).default('All'),
  Since: z.number().default(0),
  /** 0: no limit */
  Limit: z.number().default(0),
  OrderBy: z.array(order).default([]),
  ResponseContent: z.array(z.string()).optional(),
  RequestedTags: z.array(z.string()).default([]),
  ParentPatient: z.string().optional(),
  ParentStudy: z.string().optional(),
  ParentSeries: z.string().optional(),
});
type Request = z.output<typeof request>;

/** Parses the body of a query. @throws OrthancError where it is not valid */
export function readRequest(body: Buffer): Request {
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch {
    json = undefined;
  }
  if (typeof json !== 'object' || json === null) throw badRequest('The body must contain a JSON object');
  const parsed = request.safeParse(json);
  if (parsed.success) return parsed.data;
  const field = String(parsed.error.issues[0]?.path[0]);
  throw badRequest(errorMessages[field] ?? `Field "${field}" is wrong`);
}

/** @throws OrthancError */
export function levelNamed(name: string): Level {
  const level = levels.find((each) => each === name);
  if (level === undefined) throw outOfRange(`Invalid resource type '${name}'`);
  return level;
}

/** All matching resources. Ignores Since and Limit. */
export function matching(archive: Archive, query: Request): Resource[] {
  const level = levelNamed(query.Level);
  const tests = Object.entries(query.Query).map(([name, expected]) => matcher(name, expected, query));
  const parents = [query.ParentPatient, query.ParentStudy, query.ParentSeries].flatMap((id) => id ?? []);
  const isBelow = (resource: Resource) =>
    parents.every((id) => levels.some((each) => relatives(resource, each).some((above) => above.id === id)));
  const found = archive
    .all(level)
    .filter(
      (resource) => isBelow(resource) && hasLabels(resource, query) && tests.every((test) => test(resource)),
    );
  return query.OrderBy.length === 0 ? found : sorted(found, query.OrderBy);
}

export function find(archive: Archive, registry: Registry, query: Request): unknown[] {
  const shape: Shape = {
    parts: query.ResponseContent === undefined ? wholePage : partsNamed(query.ResponseContent),
    short: query.Short,
    requestedTags: query.RequestedTags,
  };
  for (const name of query.RequestedTags) tagOf(name);
  const all = matching(archive, query);
  const page = all.slice(query.Since, query.Limit === 0 ? undefined : query.Since + query.Limit);
  const isExpanded = query.Expand || query.ResponseContent !== undefined;
  return page.map((resource) => (isExpanded ? contentOf(resource, registry, shape) : resource.id));
}

function matcher(name: string, expected: unknown, { CaseSensitive }: Request): (of: Resource) => boolean {
  const tag = tagOf(name);
  if (typeof expected !== 'string') throw badRequest(`Tag "${name}" must be associated with a string`);
  if (expected === '') return () => true;
  const isTime = ['DA', 'TM', 'DT'].includes(attributeOf(name)?.vr ?? '');
  const tests = expected
    .split('\\')
    .map((pattern) =>
      isTime && pattern.includes('-') ? isWithin(pattern) : matchesPattern(pattern, CaseSensitive),
    );
  return (resource) => {
    const value = attributeValue(resource, tag);
    if (typeof value !== 'string') return false;
    const values = name === 'ModalitiesInStudy' ? value.split('\\') : [value];
    return tests.some((test) => values.some(test));
  };
}

function isWithin(range: string): (value: string) => boolean {
  const [from = '', to = ''] = range.split('-');
  return (value) => value !== '' && (from === '' || value >= from) && (to === '' || value <= to);
}

function matchesPattern(pattern: string, isCaseSensitive: boolean): (value: string) => boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const regex = new RegExp(`^${source}$`, isCaseSensitive ? 's' : 'is');
  return (value) => regex.test(value);
}

function hasLabels({ labels }: Resource, { Labels, LabelsConstraint }: Request): boolean {
  if (Labels.length === 0) return true;
  const count = Labels.filter((label) => labels.has(label)).length;
  if (LabelsConstraint === 'All') return count === Labels.length;
  return LabelsConstraint === 'Any' ? count > 0 : count === 0;
}

/** Equal resources stay in the order of storing. */
function sorted(resources: Resource[], orders: Request['OrderBy']): Resource[] {
  return [...resources].sort((a, b) => {
    for (const { Type, Key, Direction } of orders) {
      const [left, right] = [a, b].map((resource) => sortKey(resource, Type, Key));
      if (left === right || left === undefined || right === undefined) continue;
      return left < right === (Direction === 'ASC') ? -1 : 1;
    }
    return a.number - b.number;
  });
}

const sortableMetadata: Record<string, number> = { ReceptionDate: 2, LastUpdate: 7, IndexInSeries: 1 };

function sortKey(resource: Resource, type: string, key: string): string | number | undefined {
  const value = type.startsWith('Metadata')
    ? resource.metadata.get(sortableMetadata[key] ?? Number(key))
    : attributeValue(resource, tagOf(key));
  if (typeof value !== 'string') return undefined;
  return type.includes('As') ? Number(value) : value;
}
