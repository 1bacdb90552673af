import { z } from 'zod';
import { type Archive, type ChangeEntry, pathOf, relatives, sortedById } from './archive.js';
import { contentOf, wholePage } from './content.js';
import { find, levelNamed, matching, readRequest } from './find.js';
import { OrthancError } from './orthanc-error.js';
import type { Registry } from './registry.js';
import { type FakeRequest, type FakeResponse, json, type Route } from './router.js';

const bulk = z.object({
  Resources: z.array(z.string()),
  Level: z.string().optional(),
  Metadata: z.boolean().default(true),
  Short: z.boolean().default(false),
});

/** Patient ID and UIDs of study, series and instance. */
const identifiers = ['0010,0020', '0020,000d', '0020,000e', '0008,0018'];
const defaultPageSize = 100;

/** Routes of the change log, and of the tools for many resources. */
export function toolsRoutes(archive: Archive, registry: Registry): Route[] {
  const changes = ({ query }: FakeRequest): FakeResponse => {
    const page = (entries: ChangeEntry[], isDone: boolean) => {
      const [first, last] = [entries[0], entries.at(-1)];
      const span = first === undefined ? {} : { First: first.Seq };
      return json({ Changes: entries, Done: isDone, ...span, Last: last?.Seq ?? archive.lastChange });
    };
    if (query.has('last')) return page(archive.changes.slice(-1), true);
    const since = Number(query.get('since') ?? 0);
    const limit = Number(query.get('limit') ?? 0) || defaultPageSize;
    const types = query.get('type')?.split(';');
    const entries = archive.changes.filter(
      ({ Seq, ChangeType }) => Seq > since && (types === undefined || types.includes(ChangeType)),
    );
    return page(entries.slice(0, limit), entries.length <= limit);
  };

  const bulkContent = ({ body }: FakeRequest): FakeResponse => {
    const parsed = bulk.safeParse(JSON.parse(body.toString('utf8')));
    if (!parsed.success)
      throw new OrthancError(400, 15, 'Bad file format', 'List of strings expected in field: Resources');
    const { Resources, Level, Metadata, Short } = parsed.data;
    const named = Resources.flatMap((id) => archive.resources.get(id) ?? []);
    const level = Level === undefined ? undefined : levelNamed(Level);
    const found =
      level === undefined ? named : sortedById(named.flatMap((resource) => relatives(resource, level)));
    const parts = Metadata ? ([...wholePage, 'Metadata'] as const) : wholePage;
    return json(found.map((resource) => contentOf(resource, registry, { parts, short: Short })));
  };

  const lookup = ({ body }: FakeRequest): FakeResponse => {
    const identifier = body.toString('utf8').trim().toUpperCase();
    const found = [...archive.resources.values()].filter(
      ({ mainTags }) =>
        identifier !== '' &&
        identifiers.some((tag) => String(mainTags.get(tag)).toUpperCase() === identifier),
    );
    return json(found.map((resource) => ({ ID: resource.id, Path: pathOf(resource), Type: resource.level })));
  };

  return [
    ['GET', /^\/changes$/, changes],
    ['POST', /^\/tools\/find$/, ({ body }) => json(find(archive, registry, readRequest(body)))],
    [
      'POST',
      /^\/tools\/count-resources$/,
      ({ body }) => json({ Count: matching(archive, readRequest(body)).length }),
    ],
    ['POST', /^\/tools\/bulk-content$/, bulkContent],
    ['POST', /^\/tools\/lookup$/, lookup],
  ];
}
