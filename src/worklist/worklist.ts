import { z } from 'zod';
import { category, cursor } from '../contract/named.js';
import type { Entry, WorklistPage as Page } from '../contract/review.js';
import { worklistState } from '../contract/review.js';
import { shownCategory } from '../decisions/correction.js';
import { dicomDate, studyDates } from '../orthanc/dates.js';
import type { InstanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { matchesWildcards } from '../orthanc/wildcards.js';
import { type Position, readCursor, tailLength, writeCursor } from './cursor.js';
import type { Entries, ListedInstance } from './entries.js';

const score = z.coerce.number().min(0).max(1);
const day = z.iso.date();
const word = z.string().min(1).max(64);

/** The query parameters of a worklist. */
export const worklistQuery = z.strictObject({
  state: worklistState.default('needs_review'),
  category: category.optional().describe('The category of the decision, or the best one where it has none.'),
  minScore: score.optional().describe('Lower limit of the best score.'),
  maxScore: score.optional().describe('Upper limit of the best score.'),
  from: day.optional().describe('Study Date from this day on.'),
  to: day.optional().describe('Study Date up to this day.'),
  station: z
    .string()
    .regex(/^[^?\\]{1,64}$/)
    .optional()
    .describe('The whole Station Name; `*` stands for any text.'),
  modality: z
    .string()
    .regex(/^[A-Z0-9_]{1,16}$/)
    .optional(),
  text: word
    .optional()
    .describe('A part of a description, protocol, station, body part, accession number or UID.'),
  cursor: cursor.optional(),
  limit: z.coerce.number().int().min(1).max(100).default(25),
});
export type WorklistQuery = z.output<typeof worklistQuery>;

/** Identifiers, and entries of the change log, that are read in one chunk. */
const chunk = 200;
const changesChunk = 500;
/** Limits the chunks for one page, so that a page takes little time in a long list. */
const maxChunks = 10;
/** The list may move by so many items between two pages without an item being missed. */
const drift = 300;

/** A part of a list. */
interface Chunk {
  ids: InstanceId[];
  /** Those of them that are decided and still exist. */
  listed: ListedInstance[];
  /** The position at which the list goes on after an item. */
  behind: (index: number) => number;
  /** The position of the next chunk; undefined at the end. */
  next: number | undefined;
}

/** The lists of the review page: instances by label, the last received first; or the latest decisions. */
export class Worklist {
  readonly #orthanc: Orthanc;
  readonly #entries: Entries;
  readonly #prefix: string;

  constructor(orthanc: Orthanc, entries: Entries, labelPrefix: string) {
    this.#orthanc = orthanc;
    this.#entries = entries;
    this.#prefix = labelPrefix;
  }

  /** @throws cursor_unknown, orthanc_… */
  async page(query: WorklistQuery): Promise<Page> {
    const items: ListedInstance[] = [];
    const added = new Set<InstanceId>();
    let position: Position | undefined = query.cursor === undefined ? undefined : readCursor(query.cursor);
    const total = position === undefined ? await this.#total(query) : undefined;
    for (let chunks = 0; chunks < maxChunks; chunks++) {
      const { ids, listed: all, behind, next } = await this.#chunk(query, position);
      const listed = new Map<string, ListedInstance>(all.map((each) => [each.entry.instance, each]));
      for (const [index, id] of ids.entries()) {
        const found = listed.get(id);
        // An instance can be in the change log several times: once for each decision.
        if (found === undefined || added.has(id) || !matches(found, query, this.#prefix)) continue;
        added.add(id);
        items.push(found);
        if (items.length === query.limit) {
          const isLast = index === ids.length - 1 && next === undefined;
          position = { at: behind(index), tail: ids.slice(Math.max(0, index + 1 - tailLength), index + 1) };
          return pageOf(await this.#entries.withExposures(items), isLast ? undefined : position, total);
        }
      }
      if (next === undefined) return pageOf(await this.#entries.withExposures(items), undefined, total);
      position = { at: next, tail: [...(position?.tail ?? []), ...ids].slice(-tailLength) };
    }
    return pageOf(await this.#entries.withExposures(items), position, total);
  }

  #chunk(query: WorklistQuery, position: Position | undefined): Promise<Chunk> {
    return query.state === 'recent' ? this.#recent(position) : this.#labelled(query, position);
  }

  /** Corrected instances leave the list, and new ones come in at its head. So a page begins after the last one read. */
  async #labelled(query: WorklistQuery, position: Position | undefined): Promise<Chunk> {
    const label = this.#label(query);
    const dicom = dicomQuery(query);
    const size = needsFiltering(query) ? chunk : query.limit;
    const since = Math.max(0, (position?.at ?? 0) - drift);
    const limit = size + (position === undefined ? 0 : Math.min(position.at, drift) + drift);
    const ids = await this.#orthanc.search.labelledNewest(label, dicom, { since, limit });
    const known = (position?.tail ?? []).map((id) => ids.lastIndexOf(id));
    // Where none of them is in the list, some instances come twice, so that none is missed.
    const begin = Math.max(-1, ...known) + 1;
    const taken = ids.slice(begin, begin + size);
    const listed =
      taken.length === 0
        ? []
        : await this.#entries.labelled(label, dicom, { since: since + begin, limit: taken.length });
    // The list may have changed between the two calls.
    const there = new Set<string>(listed.map(({ entry }) => entry.instance));
    const missing = await this.#entries.of(taken.filter((id) => !there.has(id)));
    const isEnd = ids.length < limit && begin + size >= ids.length;
    return {
      ids: taken,
      listed: [...listed, ...missing],
      behind: (index) => since + begin + index + 1,
      next: isEnd ? undefined : since + begin + taken.length,
    };
  }

  /** Reads the change log backwards. Each decision has a change in it. */
  async #recent(position: Position | undefined): Promise<Chunk> {
    const to = position?.at ?? (await this.#orthanc.changes.last());
    const since = Math.max(0, to - changesChunk);
    const { changes } = await this.#orthanc.changes.page(since, changesChunk);
    const seen = new Map<InstanceId, number>();
    for (const { id, seq, kind } of changes.toReversed())
      if (kind === 'metadata' && seq <= to && !seen.has(id) && !position?.tail.includes(id))
        seen.set(id, seq);
    const found = [...seen];
    const ids = found.map(([id]) => id);
    return {
      ids,
      listed: await this.#entries.of(ids),
      behind: (index) => (found[index]?.[1] ?? 1) - 1,
      next: since === 0 ? undefined : since,
    };
  }

  async #total(query: WorklistQuery): Promise<number | undefined> {
    const { state, cursor: _, limit: __, ...filters } = query;
    if (state === 'recent' || Object.values(filters).some((value) => value !== undefined)) return undefined;
    return this.#orthanc.search.countLabelled(this.#label(query));
  }

  #label({ state }: WorklistQuery): string {
    return this.#prefix + state;
  }
}

const pageOf = (items: Entry[], position: Position | undefined, total: number | undefined): Page => ({
  items,
  ...(position === undefined ? {} : { next: writeCursor(position) }),
  ...(total === undefined ? {} : { total }),
});

/** Whether the result of Orthanc's search must be filtered here: Orthanc cannot search records or several attributes. */
const needsFiltering = ({ category, minScore, maxScore, text }: WorklistQuery): boolean =>
  [category, minScore, maxScore, text].some((value) => value !== undefined);

function dicomQuery({ from, to, station, modality }: WorklistQuery): Record<string, string> {
  return {
    ...studyDates({ from, to }),
    ...(station === undefined ? {} : { StationName: station }),
    ...(modality === undefined ? {} : { Modality: modality }),
  };
}

function matches({ entry, searchText }: ListedInstance, query: WorklistQuery, prefix: string): boolean {
  // The label may have been removed between the two calls.
  if (query.state !== 'recent' && !entry.labels.includes(prefix + query.state)) return false;
  if (query.category !== undefined && shownCategory(entry) !== query.category) return false;
  const best = entry.top[0]?.score ?? 0;
  if (best < (query.minScore ?? 0) || best > (query.maxScore ?? 1)) return false;
  if (query.text !== undefined && !searchText.includes(query.text.toLowerCase())) return false;
  if (query.state !== 'recent') return true;
  // The change log has no DICOM attributes, so these conditions are checked here.
  const { studyDate = '', stationName = '', modality } = entry.dicom;
  if (query.from !== undefined && studyDate < dicomDate(query.from)) return false;
  if (query.to !== undefined && (studyDate === '' || studyDate > dicomDate(query.to))) return false;
  if (query.modality !== undefined && modality !== query.modality) return false;
  return query.station === undefined || matchesWildcards(query.station, stationName);
}
