import {
  type Archive,
  type Attachment,
  md5,
  pathOf,
  type Resource,
  relatives,
  sortedById,
} from './archive.js';
import { contentOf, wholePage } from './content.js';
import { type Level, levels } from './dictionary.js';
import { badRevision, outOfRange, unknownResource } from './orthanc-error.js';
import { isUserNumber, type Registry } from './registry.js';
import { bytes, empty, type FakeRequest, type FakeResponse, json, type Route, text } from './router.js';

const levelOf: Record<string, Level> = {
  patients: 'Patient',
  studies: 'Study',
  series: 'Series',
  instances: 'Instance',
};
const kinds = 'patients|studies|series|instances';
const at = (rest: string) => new RegExp(`^/(${kinds})/([^/]+)${rest}$`);

const revision = (number: number, value: Uint8Array) => `"${number}-${md5(value)}"`;

/** Routes of resources of all levels: content, parents and children, metadata, labels, attachments. */
export function resourceRoutes(archive: Archive, registry: Registry, checksRevisions: boolean): Route[] {
  const findResource = (kind: string, id: string): Resource | undefined => {
    const resource = archive.resources.get(id);
    return resource?.level === levelOf[kind] ? resource : undefined;
  };
  const requireResource = (kind: string, id: string): Resource => {
    const resource = findResource(kind, id);
    if (resource === undefined) throw unknownResource();
    return resource;
  };
  const page = (resource: Resource, { query }: FakeRequest) => {
    const requestedTags = query.get('requestedTags')?.split(';') ?? [];
    return contentOf(resource, registry, { parts: wholePage, requestedTags, short: query.has('short') });
  };

  /**
   * Checks the revision in a request before a change.
   * @throws OrthancError where it is another revision, or where it is required and missing
   */
  const checkRevision = (request: FakeRequest, current: Uint8Array | undefined): void => {
    const named = request.headers['if-match'];
    if (named !== undefined && !/^"?\d+-[0-9a-f]{32}"?$/.test(named))
      throw outOfRange('The "if-match" HTTP header should contain the ETag (revision followed by MD5 hash)');
    if (named === undefined && request.method === 'DELETE' && checksRevisions)
      throw badRevision('HTTP header "If-Match" is missing, as "CheckRevisions" is "true"');
    if (current === undefined) return;
    if (named === undefined ? checksRevisions : named !== revision(0, current)) throw badRevision();
  };

  const list = (request: FakeRequest, kind: string): FakeResponse => {
    const level = levelOf[kind];
    const since = Number(request.query.get('since') ?? 0);
    const limit = Number(request.query.get('limit') ?? 0);
    const all =
      level === undefined ? [] : archive.all(level).slice(since, limit === 0 ? undefined : since + limit);
    return json(
      request.query.has('expand') ? all.map((each) => page(each, request)) : all.map(({ id }) => id),
    );
  };

  const relativesOf = (request: FakeRequest, kind: string, id: string, level: Level): FakeResponse => {
    const resource = requireResource(kind, id);
    const found = sortedById(relatives(resource, level)).map((each) => page(each, request));
    return json(levels.indexOf(level) > levels.indexOf(resource.level) ? found : found[0]);
  };

  const remove = (_: FakeRequest, kind: string, id: string): FakeResponse => {
    const resource = findResource(kind, id);
    if (resource === undefined) return empty(404);
    const above = archive.delete(resource);
    const ancestor = above && { ID: above.id, Path: pathOf(above), Type: above.level };
    return json({ RemainingAncestor: ancestor ?? null });
  };

  const allMetadata = ({ query }: FakeRequest, kind: string, id: string): FakeResponse => {
    const { metadata } = requireResource(kind, id);
    if (!query.has('expand')) return json(Object.keys(registry.named(metadata)));
    return json(query.has('numeric') ? Object.fromEntries(metadata) : registry.named(metadata));
  };

  const readMetadata = (request: FakeRequest, kind: string, id: string, name: string): FakeResponse => {
    const value = requireResource(kind, id).metadata.get(registry.metadataNumber(name));
    if (value === undefined) return empty(404);
    const etag = revision(0, Buffer.from(value));
    return request.headers['if-none-match'] === etag
      ? { status: 304, headers: { etag } }
      : text(value, { etag });
  };

  const writeMetadata = (request: FakeRequest, kind: string, id: string, name: string): FakeResponse => {
    const number = registry.metadataNumber(name);
    if (!isUserNumber(number)) return empty(403);
    const resource = requireResource(kind, id);
    const before = resource.metadata.get(number);
    checkRevision(request, before === undefined ? undefined : Buffer.from(before));
    resource.metadata.set(number, request.body.toString('utf8'));
    archive.recordChange('UpdatedMetadata', resource);
    // SQLite stores no revisions: this ETag has the next revision, but a later read has revision 0 again.
    return text('', { etag: revision(before === undefined ? 0 : 1, request.body) });
  };

  const deleteMetadata = (request: FakeRequest, kind: string, id: string, name: string): FakeResponse => {
    const number = registry.metadataNumber(name);
    if (!isUserNumber(number)) return empty(403);
    const resource = findResource(kind, id);
    const before = resource?.metadata.get(number);
    checkRevision(request, before === undefined ? undefined : Buffer.from(before));
    if (resource === undefined || before === undefined) throw unknownResource();
    resource.metadata.delete(number);
    archive.recordChange('UpdatedMetadata', resource);
    return text('');
  };

  const writeLabel = (_: FakeRequest, kind: string, id: string, label: string): FakeResponse => {
    const { labels } = requireResource(kind, id);
    if (!/^[\w-]{1,64}$/.test(label))
      throw outOfRange(
        `A label must be a non-empty, alphanumeric string, possibly with '_' or '-' characters, with maximum 64 characters, but got: ${label}`,
      );
    labels.add(label);
    return text('');
  };

  const attachment = (kind: string, id: string, name: string): Attachment & { number: number } => {
    const resource = requireResource(kind, id);
    const number = registry.attachmentNumber(name);
    const found = resource.attachments.get(number);
    if (found === undefined) throw unknownResource();
    return { ...found, number };
  };
  const etagHeader = ({ bytes: content }: Attachment) => ({ etag: revision(0, content) });

  const readAttachment = (
    _: FakeRequest,
    kind: string,
    id: string,
    name: string,
    what: string,
  ): FakeResponse => {
    const found = attachment(kind, id, name);
    if (what === 'md5') return text(md5(found.bytes), etagHeader(found));
    if (what === 'info') return json(registry.attachmentInfo(found.number, found), etagHeader(found));
    return bytes('application/octet-stream', found.bytes, etagHeader(found));
  };

  const writeAttachment = (request: FakeRequest, kind: string, id: string, name: string): FakeResponse => {
    const resource = requireResource(kind, id);
    const number = registry.attachmentNumber(name);
    if (!isUserNumber(number)) return empty(403);
    checkRevision(request, resource.attachments.get(number)?.bytes);
    const added = archive.newAttachment(request.body);
    resource.attachments.set(number, added);
    archive.recordChange('UpdatedAttachment', resource);
    return { status: 200, headers: { 'content-type': 'application/json', ...etagHeader(added) }, body: '{}' };
  };

  const deleteAttachment = (request: FakeRequest, kind: string, id: string, name: string): FakeResponse => {
    const { number, bytes: content } = attachment(kind, id, name);
    if (!isUserNumber(number)) return empty(403);
    checkRevision(request, content);
    const resource = requireResource(kind, id);
    resource.attachments.delete(number);
    archive.recordChange('UpdatedAttachment', resource);
    return text('');
  };

  return [
    ['GET', new RegExp(`^/(${kinds})$`), list],
    [
      'GET',
      at(''),
      (request, kind = '', id = '') => {
        const resource = findResource(kind, id);
        return resource === undefined ? empty(404) : json(page(resource, request));
      },
    ],
    ['DELETE', at(''), remove],
    ['GET', at('/patient'), (request, kind = '', id = '') => relativesOf(request, kind, id, 'Patient')],
    ['GET', at('/study'), (request, kind = '', id = '') => relativesOf(request, kind, id, 'Study')],
    ['GET', at('/series'), (request, kind = '', id = '') => relativesOf(request, kind, id, 'Series')],
    ['GET', at('/instances'), (request, kind = '', id = '') => relativesOf(request, kind, id, 'Instance')],
    ['GET', at('/metadata'), allMetadata],
    ['GET', at('/metadata/([^/]+)'), readMetadata],
    ['PUT', at('/metadata/([^/]+)'), writeMetadata],
    ['DELETE', at('/metadata/([^/]+)'), deleteMetadata],
    ['GET', at('/labels'), (_, kind = '', id = '') => json([...requireResource(kind, id).labels].sort())],
    [
      'GET',
      at('/labels/([^/]+)'),
      (_, kind = '', id = '', label = '') =>
        requireResource(kind, id).labels.has(label) ? text('') : empty(404),
    ],
    ['PUT', at('/labels/([^/]+)'), writeLabel],
    [
      'DELETE',
      at('/labels/([^/]+)'),
      (_, kind = '', id = '', label = '') => {
        requireResource(kind, id).labels.delete(label);
        return text('');
      },
    ],
    [
      'GET',
      at('/attachments'),
      ({ query }, kind = '', id = '') => {
        const numbers = [...requireResource(kind, id).attachments.keys()];
        const names = numbers.map((number) => registry.attachmentName(number));
        return json(
          query.has('full') ? Object.fromEntries(names.map((name, index) => [name, numbers[index]])) : names,
        );
      },
    ],
    ['GET', at('/attachments/([^/]+)/(data|info|md5)'), readAttachment],
    ['PUT', at('/attachments/([^/]+)'), writeAttachment],
    ['DELETE', at('/attachments/([^/]+)'), deleteAttachment],
    [
      'GET',
      at('/protected'),
      (_, kind = '', id = '') => text(requireResource(kind, id).isProtected ? '1' : '0'),
    ],
    [
      'PUT',
      at('/protected'),
      ({ body }, kind = '', id = '') => {
        requireResource(kind, id).isProtected = body.toString().trim() === '1';
        return text('');
      },
    ],
  ];
}
