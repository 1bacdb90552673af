import { z } from 'zod';
import { metadataNames } from '../src/decisions/schema.js';

const content = z.array(
  z.object({
    ID: z.string(),
    Type: z.string(),
    ParentSeries: z.string().optional(),
    MainDicomTags: z.record(z.string(), z.unknown()),
    Metadata: z.record(z.string(), z.string()),
    Labels: z.array(z.string()).default([]),
  }),
);

/** Times, durations and Orthanc's identifiers of files differ between two runs. */
const volatile = new Set([
  'picture',
  'when',
  'ms',
  'asked',
  'ended',
  'of',
  'reason',
  'engine',
  'top',
  'network',
  'received',
  'rules',
]);

/**
 * Everything in Orthanc that Plainview owns, as text without times: labels, metadata, reports and attributes. A line for
 * each resource. A report is named by what it says.
 * @param isSwept without, labels that are noted and not there are left out: a sweep forgets them
 */
export async function snapshot(url: string, isSwept: boolean): Promise<string> {
  const post = async (path: string, body: unknown) =>
    (await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) })).json();
  const lines: string[] = [];
  for (const level of ['patients', 'studies', 'series', 'instances']) {
    const ids = (await (await fetch(`${url}/${level}`)).json()) as string[];
    const all = content.parse(
      await post('/tools/bulk-content', { Resources: ids, Metadata: true, Short: true }),
    );
    for (const each of all) {
      if (each.Metadata.SopClassUid === reportSopClass) {
        lines.push(
          `report ${await attributes(url, each.ID, ['ConceptNameCodeSequence', 'ContentSequence'])}`,
        );
        continue;
      }
      const metadata = Object.values(metadataNames).flatMap((name) =>
        each.Metadata[name] === undefined
          ? []
          : [[name, normalized(each.Metadata[name], name, isSwept ? undefined : each.Labels)]],
      );
      const tags =
        level === 'instances'
          ? await attributes(url, each.ID, [
              'BodyPartExamined',
              'ViewPosition',
              'AnatomicRegionSequence',
              'ViewCodeSequence',
            ])
          : '';
      const isReportSeries = level === 'series' && each.MainDicomTags['0008,0060'] === 'SR';
      const name = isReportSeries ? 'series of reports' : `${level} ${each.ID.slice(0, 8)}`;
      lines.push(`${name} ${each.Labels.sort().join()} ${JSON.stringify(metadata)} ${tags}`);
    }
  }
  return lines.sort().join('\n');
}

const reportSopClass = '1.2.840.10008.5.1.4.1.1.88.34';

async function attributes(url: string, id: string, names: string[]): Promise<string> {
  const all = (await (await fetch(`${url}/instances/${id}/simplified-tags`)).json()) as Record<
    string,
    unknown
  >;
  return JSON.stringify(names.map((name) => all[name])).replace(/\d{4}-\d\d-\d\dT[\d:.]+Z|2\.25\.\d+/g, '…');
}

function normalized(text: string, name: string, labels: readonly string[] | undefined): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  if (typeof value !== 'object' || value === null) return text;
  // A route that was cut off is sent again: only the last one to each destination counts.
  const routes =
    name === metadataNames.routes && 'routes' in value ? { routes: lastRoutes(value.routes) } : {};
  const known = Object.entries({ ...value, ...routes }).filter(
    ([key, each]) => !volatile.has(key) && each !== undefined,
  );
  const isThere = (label: unknown) => labels === undefined || labels.some((each) => each === label);
  return Object.fromEntries(
    known
      .map(([key, each]): [string, unknown] => [
        key,
        key === 'labels' && Array.isArray(each) ? each.filter(isThere) : plain(key, each),
      ])
      .sort(),
  );
}

function plain(key: string, value: unknown): unknown {
  if (key === 'report') return 'a report';
  if (Array.isArray(value) && value.length === 0) return [];
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([inner]) => !volatile.has(inner))
      .map(([inner, each]) => [inner, plain(inner, each)]),
  );
}

function lastRoutes(routes: unknown): unknown {
  const all = z.array(z.looseObject({ to: z.string(), state: z.string(), rule: z.string() })).parse(routes);
  // What was decided alike once more is not sent again.
  const isSent = (last: { to: string; rule: string }) =>
    all.some(({ to, rule, state }) => to === last.to && rule === last.rule && state === 'sent');
  return all.slice(-1).map((last) => `${last.rule} ${last.to} ${isSent(last) ? 'sent' : last.state}`);
}
