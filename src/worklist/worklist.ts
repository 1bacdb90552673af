import { z } from 'zod';
import type { Entry, WorklistPage as Page } from '../contract/review.js';
import { worklistState } from '../contract/review.js';
import { shownCategory } from '../decisions/correction.js';
import { dicomDate, studyDates } from '../orthanc/dates.js';
import type { InstanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { matchesWildcards } from '../orthanc/wildcards.js';
import { type Place, readCursor, tailLength, writeCursor } from './cursor.js';
import type { Entries, Listed } from './entries.js';

const score = z.coerce.number().min(0).max(1);
const day = z.iso.date();
const word = z.string().min(1).max(64);

/** What a worklist is asked for. */
export const worklistQuery = z.strictObject({
  state: worklistState.default('needs_review'),
  category: word.optional().describe('Given, or the best one where none was given.'),
  minScore: score.optional().describe('Of the best score.'),
  maxScore: score.optional(),
  from: day.optional().describe('Study Date from this day on.'),
  to: day.optional().describe('Study Date up to this day.'),
  station: z
    .string()
    .regex(/^[^?\\]{1,64}$/)
    .optional()
    .describe('Station Name, whole; `*` stands for anything.'),
  modality: z
    .string()
    .regex(/^[A-Z0-9_]{1,16}$/)
    .optional(),
  text: word
    .optional()
    .describe('Part of a description, protocol, station, body part, accession number or UID.'),
  cursor: z.string().max(2000).optional().describe("A page's `next`."),
  limit: z.coerce.number().int().min(1).max(100).default(25),
});
export type WorklistQuery = z.output<typeof worklistQuery>;

/** Identifiers looked at in one call, and entries of the change log. */
const chunk = 200;
const changesChunk = 500;
/** Such looks for one request at most: a page is a moment's work however long the list. */
const mostLooks = 10;
/** By how much the list may have moved between two pages without anything being passed over. */
const drift = 300;

/** Part of a list, and where the list goes on behind each of its items. */
interface Chunk {
  ids: InstanceId[];
  /** Those of them that are decided and still there. */
  listed: Listed[];
  behind: (index: number) => number;
  /** Where the next chunk begins; undefined at the end. */
  next: number | undefined;
}

/** What people look through: by label, newest arrivals first, or the latest decisions. */
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
  async page(asked: WorklistQuery): Promise<Page> {
    const items: Entry[] = [];
    const told = new Set<InstanceId>();
    let place: Place | undefined = asked.cursor === undefined ? undefined : readCursor(asked.cursor);
    const total = place === undefined ? await this.#total(asked) : undefined;
    for (let looks = 0; looks < mostLooks; looks++) {
      const { ids, listed: all, behind, next } = await this.#chunk(asked, place);
      const listed = new Map<string, Listed>(all.map((each) => [each.entry.instance, each]));
      for (const [index, id] of ids.entries()) {
        const found = listed.get(id);
        // An instance stands in the change log once for each of its decisions.
        if (found === undefined || told.has(id) || !fulfils(found, asked, this.#prefix)) continue;
        told.add(id);
        items.push(found.entry);
        if (items.length === asked.limit) {
          const isLast = index === ids.length - 1 && next === undefined;
          place = { at: behind(index), tail: ids.slice(Math.max(0, index + 1 - tailLength), index + 1) };
          return pageOf(items, isLast ? undefined : place, total);
        }
      }
      if (next === undefined) return pageOf(items, undefined, total);
      place = { at: next, tail: [...(place?.tail ?? []), ...ids].slice(-tailLength) };
    }
    return pageOf(items, place, total);
  }

  #chunk(asked: WorklistQuery, place: Place | undefined): Promise<Chunk> {
    return asked.state === 'recent' ? this.#recent(place) : this.#labelled(asked, place);
  }

  /** Those corrected meanwhile have left the list, and new ones came in at its head: the last one read is looked for. */
  async #labelled(asked: WorklistQuery, place: Place | undefined): Promise<Chunk> {
    const label = this.#label(asked);
    const query = dicomQuery(asked);
    const size = isLookedThrough(asked) ? chunk : asked.limit;
    const since = Math.max(0, (place?.at ?? 0) - drift);
    const limit = size + (place === undefined ? 0 : Math.min(place.at, drift) + drift);
    const ids = await this.#orthanc.search.labelledNewest(label, query, { since, limit });
    const known = (place?.tail ?? []).map((id) => ids.lastIndexOf(id));
    // Where none of them is left, a few come twice rather than one be passed over.
    const begin = Math.max(-1, ...known) + 1;
    const taken = ids.slice(begin, begin + size);
    const listed =
      taken.length === 0
        ? []
        : await this.#entries.labelled(label, query, { since: since + begin, limit: taken.length });
    // Between the two calls the list may have moved on.
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

  /** Backwards through the change log, in which each decision leaves a trace. */
  async #recent(place: Place | undefined): Promise<Chunk> {
    const to = place?.at ?? (await this.#orthanc.changes.last());
    const since = Math.max(0, to - changesChunk);
    const { changes } = await this.#orthanc.changes.page(since, changesChunk);
    const seen = new Map<InstanceId, number>();
    for (const { id, seq, kind } of changes.toReversed())
      if (kind === 'metadata' && seq <= to && !seen.has(id) && !place?.tail.includes(id)) seen.set(id, seq);
    const found = [...seen];
    const ids = found.map(([id]) => id);
    return {
      ids,
      listed: await this.#entries.of(ids),
      behind: (index) => (found[index]?.[1] ?? 1) - 1,
      next: since === 0 ? undefined : since,
    };
  }

  async #total(asked: WorklistQuery): Promise<number | undefined> {
    const { state, cursor: _, limit: __, ...filters } = asked;
    if (state === 'recent' || Object.values(filters).some((value) => value !== undefined)) return undefined;
    return this.#orthanc.search.countLabelled(this.#label(asked));
  }

  #label({ state }: WorklistQuery): string {
    return this.#prefix + state;
  }
}

const pageOf = (items: Entry[], place: Place | undefined, total: number | undefined): Page => ({
  items,
  ...(place === undefined ? {} : { next: writeCursor(place) }),
  ...(total === undefined ? {} : { total }),
});

/** Whether it is looked for among what Orthanc finds, since only the record or several attributes together tell. */
const isLookedThrough = ({ category, minScore, maxScore, text }: WorklistQuery): boolean =>
  [category, minScore, maxScore, text].some((value) => value !== undefined);

function dicomQuery({ from, to, station, modality }: WorklistQuery): Record<string, string> {
  return {
    ...studyDates({ from, to }),
    ...(station === undefined ? {} : { StationName: station }),
    ...(modality === undefined ? {} : { Modality: modality }),
  };
}

function fulfils({ entry, searched }: Listed, asked: WorklistQuery, prefix: string): boolean {
  // A label may have gone between the two calls; the record of the decision says less than it.
  if (asked.state !== 'recent' && !entry.labels.includes(prefix + asked.state)) return false;
  if (asked.category !== undefined && shownCategory(entry) !== asked.category) return false;
  const best = entry.top[0]?.score ?? 0;
  if (best < (asked.minScore ?? 0) || best > (asked.maxScore ?? 1)) return false;
  if (asked.text !== undefined && !searched.includes(asked.text.toLowerCase())) return false;
  if (asked.state !== 'recent') return true;
  // The change log knows no attributes, so they are looked at here.
  const { studyDate = '', stationName = '', modality } = entry.dicom;
  if (asked.from !== undefined && studyDate < dicomDate(asked.from)) return false;
  if (asked.to !== undefined && (studyDate === '' || studyDate > dicomDate(asked.to))) return false;
  if (asked.modality !== undefined && modality !== asked.modality) return false;
  return asked.station === undefined || matchesWildcards(asked.station, stationName);
}
