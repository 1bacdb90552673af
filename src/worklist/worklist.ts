import { z } from 'zod';
import { category, cursor } from '../contract/named.js';
import { type Entry, type WorklistPage, worklistState } from '../contract/review.js';
import { formerStates, levelOf, settledWords } from '../contract/states.js';
import { shownCategory } from '../decisions/correction.js';
import { hasPersonSpoken, isSettledByPerson } from '../decisions/open-states.js';
import { stateLabels } from '../decisions/state-labels.js';
import { dicomDate, studyDates } from '../orthanc/dates.js';
import type { Page } from '../orthanc/finder.js';
import { type InstanceId, instanceId, type StudyId, studyId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { matchesWildcards } from '../orthanc/wildcards.js';
import { type Position, readCursor, tailLength, writeCursor } from './cursor.js';
import type { Entries, ListedInstance } from './entries.js';
import { formerOf, saidOf, settledBy } from './settled.js';

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
  shadow: z
    .enum(['agrees', 'differs', 'failed'])
    .optional()
    .describe('Whether the shadow network would have decided so, or otherwise, or gave no answer.'),
  said: z
    .enum(settledWords)
    .optional()
    .describe('What a person said of it: of the category, or of what differs from the order.'),
  by: word.optional().describe('The name of the person who decided or answered last, or a part of it.'),
  was: z
    .enum(formerStates)
    .optional()
    .describe('What was open before a person settled it; category: nothing was.'),
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

/** An instance, or in the list of proposals a study, of which one instance is listed. */
type ListedId = InstanceId | StudyId;

/** A part of a list. */
interface Chunk {
  ids: ListedId[];
  /** What is listed of them: decided, and still there. */
  listed: ReadonlyMap<string, ListedInstance>;
  /** The position at which the list goes on after an item. */
  behind: (index: number) => number;
  /** The position of the next chunk; undefined at the end. */
  next: number | undefined;
}

/** What a list by label is read from. */
interface Source {
  /** How many are read in one chunk. */
  size: number;
  ids(page: Page): Promise<ListedId[]>;
  /** @param since where they begin in the list */
  read(ids: readonly ListedId[], since: number): Promise<ReadonlyMap<string, ListedInstance>>;
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
  async page(query: WorklistQuery): Promise<WorklistPage> {
    const items: ListedInstance[] = [];
    const added = new Set<ListedId>();
    let position: Position | undefined = query.cursor === undefined ? undefined : readCursor(query.cursor);
    const total = position === undefined ? await this.#total(query) : undefined;
    for (let chunks = 0; chunks < maxChunks; chunks++) {
      const { ids, listed, behind, next } = await this.#chunk(query, position);
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
    if (query.state === 'recent') return this.#recent(position);
    const source =
      query.state === stateLabels.categoryProposed ? this.#proposals(query) : this.#instances(query);
    return this.#labelled(source, position);
  }

  #instances(query: WorklistQuery): Source {
    const { search } = this.#orthanc;
    const label = this.#label(query);
    const dicom = dicomQuery(query);
    return {
      size: needsFiltering(query) ? chunk : query.limit,
      ids: (page) => search.labelledNewest(label, dicom, page),
      read: async (ids, since) => {
        const page = { since, limit: ids.length };
        const listed = await this.#entries.labelled(label, dicom, page);
        const byId = new Map<string, ListedInstance>(listed.map((each) => [each.entry.instance, each]));
        // The list may have changed between the two calls.
        const missing = ids.filter((id) => !byId.has(id)).map((id) => instanceId.parse(id));
        for (const each of await this.#entries.of(missing)) byId.set(each.entry.instance, each);
        return byId;
      },
    };
  }

  #proposals(query: WorklistQuery): Source {
    const { search } = this.#orthanc;
    return {
      // Each study is read whole.
      size: query.limit,
      ids: (page) => search.studiesLabelled(this.#label(query), studyDates(query), page),
      read: async (ids) => {
        const listed = await this.#entries.proposedIn(ids.map((id) => studyId.parse(id)));
        return new Map(listed.map((each) => [each.study, each]));
      },
    };
  }

  /** Corrected instances leave the list, and new ones come in at its head. So a page begins after the last one read. */
  async #labelled({ size, ...source }: Source, position: Position | undefined): Promise<Chunk> {
    const since = Math.max(0, (position?.at ?? 0) - drift);
    const limit = size + (position === undefined ? 0 : Math.min(position.at, drift) + drift);
    const ids = await source.ids({ since, limit });
    const known = (position?.tail ?? []).map((id) => ids.lastIndexOf(id));
    // Where none of them is in the list, some instances come twice, so that none is missed.
    const begin = Math.max(-1, ...known) + 1;
    const taken = ids.slice(begin, begin + size);
    const isEnd = ids.length < limit && begin + size >= ids.length;
    return {
      ids: taken,
      listed: taken.length === 0 ? new Map() : await source.read(taken, since + begin),
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
      listed: new Map((await this.#entries.of(ids)).map((each) => [each.entry.instance, each])),
      behind: (index) => (found[index]?.[1] ?? 1) - 1,
      next: since === 0 ? undefined : since,
    };
  }

  async #total(query: WorklistQuery): Promise<number | undefined> {
    const { state, cursor: _, limit: __, ...filters } = query;
    if (state === 'recent' || Object.values(filters).some((value) => value !== undefined)) return undefined;
    return this.#orthanc.search.countLabelled(this.#label(query), levelOf(state));
  }

  #label({ state }: WorklistQuery): string {
    return this.#prefix + state;
  }
}

const pageOf = (items: Entry[], position: Position | undefined, total: number | undefined): WorklistPage => ({
  items,
  ...(position === undefined ? {} : { next: writeCursor(position) }),
  ...(total === undefined ? {} : { total }),
});

/** Whether the result of Orthanc's search must be filtered here: Orthanc cannot search records or several attributes. */
const needsFiltering = ({
  category,
  minScore,
  maxScore,
  text,
  shadow,
  said,
  by,
  was,
}: WorklistQuery): boolean =>
  [category, minScore, maxScore, text, shadow, said, by, was].some((value) => value !== undefined);

function dicomQuery({ from, to, station, modality }: WorklistQuery): Record<string, string> {
  return {
    ...studyDates({ from, to }),
    ...(station === undefined ? {} : { StationName: station }),
    ...(modality === undefined ? {} : { Modality: modality }),
  };
}

function matches(
  { entry, searchText, parting }: ListedInstance,
  query: WorklistQuery,
  prefix: string,
): boolean {
  const { state } = query;
  const isByLabel = state !== 'recent' && state !== stateLabels.categoryProposed;
  if (isByLabel) {
    // The label may have been removed between the two calls.
    if (!entry.labels.includes(prefix + state)) return false;
    if (state === stateLabels.settled) {
      if (!isSettledByPerson(entry)) return false;
      // Older versions left the label on what a person had settled. Others may set it on what nobody has.
    } else if (hasPersonSpoken(entry) && !entry.open.includes(state)) return false;
  }
  if (query.said !== undefined && !saidOf(entry).includes(query.said)) return false;
  if (query.was !== undefined && !formerOf(entry).includes(query.was)) return false;
  if (query.by !== undefined && !settledBy(entry).toLowerCase().includes(query.by.toLowerCase()))
    return false;
  if (query.shadow !== undefined && parting !== query.shadow) return false;
  if (query.category !== undefined && shownCategory(entry) !== query.category) return false;
  const best = entry.top[0]?.score ?? 0;
  if (best < (query.minScore ?? 0) || best > (query.maxScore ?? 1)) return false;
  if (query.text !== undefined && !searchText.includes(query.text.toLowerCase())) return false;
  if (isByLabel) return true;
  // The change log has no DICOM attributes, and a study not those of its series, so these conditions are checked here.
  const { studyDate = '', stationName = '', modality } = entry.dicom;
  if (query.from !== undefined && studyDate < dicomDate(query.from)) return false;
  if (query.to !== undefined && (studyDate === '' || studyDate > dicomDate(query.to))) return false;
  if (query.modality !== undefined && modality !== query.modality) return false;
  return query.station === undefined || matchesWildcards(query.station, stationName);
}
