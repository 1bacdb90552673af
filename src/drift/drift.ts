import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import { networksDecision, saysWhatItShows, shownCategory } from '../decisions/correction.js';
import { runOf } from '../decisions/read.js';
import type { Recorded } from '../decisions/record-writer.js';
import type { InstanceRecord } from '../decisions/schema.js';
import { createError } from '../errors/errors.js';
import { readOrSetAside, type Store } from '../store/store.js';
import { binOf, type SignalName } from './past.js';
import {
  type Change,
  changesOf,
  markTold,
  newStation,
  type Observation,
  observe,
  type StationDocument,
  stationDocument,
} from './station.js';

export type { Change } from './station.js';

const folder = 'drift';
/** The one that was seen longest ago is forgotten. */
const mostStations = 500;
/** A study counts once at a station: its pictures tell the same. So many are remembered. */
const mostStudies = 5000;
/** What came longer ago is of an archive that is being looked through: it says nothing of today. */
const recentMs = 2 * 86_400_000;
/** A kill loses what was seen within it. */
const saveMs = 60_000;

/**
 * Watches, for each station and each category, whether the network has become less sure or people correct it more than
 * in the past. It counts the first decision of each picture, and of each study one picture at most.
 */
export class Drift {
  /** A change beyond chance was found. */
  readonly events = new EventEmitter<{ changed: [Change] }>();
  readonly #store: Store;
  readonly #log: Logger;
  /** SHA-256 of the one in use, which can change. */
  readonly #network: () => string;
  /** By station, the latest seen last. */
  readonly #stations: Map<string, StationDocument>;
  readonly #unsaved = new Set<string>();
  readonly #studies = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #saving: Promise<void> = Promise.resolve();

  /** @throws state_unusable */
  static async open(store: Store, network: () => string, log: Logger): Promise<Drift> {
    const stations = new Map<string, StationDocument>();
    for (const name of await store.names(folder)) {
      const known = await readOrSetAside(store, `${folder}/${name}`, stationDocument, log);
      if (known !== undefined && known !== 'damaged') stations.set(known.station, known);
    }
    return new Drift(store, stations, network, log);
  }

  private constructor(
    store: Store,
    stations: Map<string, StationDocument>,
    network: () => string,
    log: Logger,
  ) {
    this.#network = network;
    this.#store = store;
    this.#stations = stations;
    this.#log = log;
  }

  /** The changes that nobody has accepted, the latest first. */
  get changes(): Change[] {
    return [...this.#stations.values()].flatMap(changesOf).sort((a, b) => (a.when < b.when ? 1 : -1));
  }

  recorded(recorded: Recorded): void {
    const { record, previous, study } = recorded;
    const observation = observationOf(recorded);
    const station = record.exposure?.station;
    if (observation === undefined || station === undefined) return;
    // A verdict on a former network, or a picture that was in work when the network was changed.
    const network = this.#network();
    if (runOf(networksDecision(record).network) !== network) return;
    if (previous === undefined && (isOld(recorded) || this.#isKnown(`${station} ${study}`))) return;
    const of = this.#station(station, network);
    for (const change of observe(of, observation)) {
      this.#log.warn(
        { station, category: change.category, signal: change.signal, before: change.before, now: change.now },
        'the pictures of a station are not what they were: see the dashboard of the review page',
      );
      this.events.emit('changed', change);
    }
    this.#changed(of);
  }

  /** Somebody says that a station is like this from now on: it gets a new past. @throws drift_unknown */
  async accept(station: string): Promise<void> {
    const known = this.#stations.get(station);
    if (known === undefined) throw createError('drift_unknown', { station });
    const next = newStation(station, known.network);
    await this.#store.write(keyOf(station), next);
    this.#stations.set(station, next);
  }

  told(change: Change): void {
    const of = this.#stations.get(change.station);
    if (of === undefined) return;
    markTold(of, change);
    this.#changed(of);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#save();
  }

  #isKnown(study: string): boolean {
    if (this.#studies.has(study)) return true;
    this.#studies.add(study);
    const [oldest] = this.#studies;
    if (this.#studies.size > mostStudies && oldest !== undefined) this.#studies.delete(oldest);
    return false;
  }

  #station(name: string, network: string): StationDocument {
    const known = this.#stations.get(name);
    const of = known?.network === network ? known : newStation(name, network);
    this.#stations.delete(name);
    this.#stations.set(name, of);
    return of;
  }

  #changed({ station }: StationDocument): void {
    this.#unsaved.add(station);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#save();
    }, saveMs).unref();
  }

  /** It never rejects. After the saves that were begun before. */
  #save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#saveUnsaved());
    return this.#saving;
  }

  async #saveUnsaved(): Promise<void> {
    try {
      for (const station of [...this.#stations.keys()].slice(0, -mostStations)) {
        this.#stations.delete(station);
        await this.#store.remove(keyOf(station));
      }
      for (const station of this.#unsaved) {
        this.#unsaved.delete(station);
        const of = this.#stations.get(station);
        if (of !== undefined) await this.#store.write(keyOf(station), of);
      }
    } catch (error) {
      // It is saved with the next change.
      this.#log.error({ err: error }, 'what was seen of the stations could not be saved');
    }
  }
}

const keyOf = (station: string): string =>
  `${folder}/${createHash('sha256').update(station).digest('hex').slice(0, 32)}`;

const isOld = ({ record, receivedMs }: Recorded): boolean =>
  receivedMs !== undefined && Date.parse(record.when) - receivedMs > recentMs;

/** @returns undefined where it tells nothing new of the network */
function observationOf({ instance, record, previous }: Recorded): Observation | undefined {
  const decided = networksDecision(record);
  const { decision, top, when } = decided;
  const category = top[0]?.category;
  if (category === undefined || decision === 'failed') return undefined;
  const at = { instance, category, when };
  if (record.who === 'network')
    return previous === undefined
      ? {
          ...at,
          what: {
            unsure: decision === 'needs_review',
            unknown: decision === 'unknown_view',
            bin: binOf(top[0]?.score ?? 0),
          },
        }
      : undefined;
  if (previous?.who !== 'network' || decision !== 'category' || !saysWhatItShows(record)) return undefined;
  return { ...at, when: record.when, what: { isCorrected: isCorrected(record) } };
}

const isCorrected = (record: InstanceRecord): boolean =>
  shownCategory(record) !== shownCategory(networksDecision(record));

export type { SignalName };
