import type { Logger } from 'pino';
import { z } from 'zod';
import type { Categories } from '../../../anatomy/categories.js';
import { WakeableTimer } from '../../../async/sleep.js';
import type { Derived } from '../../../decisions/derived.js';
import { asPlainviewError } from '../../../errors/errors.js';
import { receptionTime } from '../../../orthanc/dates.js';
import type { KnownDestinations } from '../../../orthanc/forwarder.js';
import type { StudyTree } from '../../../orthanc/hierarchy.js';
import { type StudyId, studyId } from '../../../orthanc/ids.js';
import type { Orthanc } from '../../../orthanc/orthanc.js';
import type { Locks } from '../../../store/locks.js';
import { readOrSetAside, type Store } from '../../../store/store.js';
import type { GroupLabels } from '../group-labels.js';
import { isPendingRoute, type StudyRoute, type StudyRoutes, studyRoutesOf } from '../routes-record.js';
import { type StudyFacts, studyFactsOf } from './facts.js';
import { isSameRoute, planStudy, withoutOld } from './plan.js';
import type { StudyRules as Rules } from './schema.js';

interface Parts {
  orthanc: Orthanc;
  store: Store;
  locks: Locks;
  groupLabels: GroupLabels;
  rules: Rules;
  /** The version of the file. */
  sha256: string;
  categories: Categories;
  modalities: readonly string[];
  labelPrefix: string;
  /** Of several Orthancs, none knows when another one received something. */
  hasSeveral: boolean;
  known: () => Pick<KnownDestinations, 'aets'>;
  /** Told what is pending of a study, and for which destination. */
  onPending: (study: StudyId, to: string) => void;
  /** Other than the default in tests alone. */
  pollMs?: number | undefined;
  log: Logger;
}

/** The studies that are due, in the store: a document for each. */
const folder = 'study-rules';
const keyOf = (study: StudyId): string => `${folder}/${study}`;
/** `since`: when something was decided of it first, after the rules were applied last. ISO 8601. */
const due = z.object({ since: z.string() });

const defaultPollMs = 1000;
const retryMs = 5000;
/** A study that is not ready is read again after this time: doubled each time, up to the longest. */
const firstRestMs = 2000;
const longestRestMs = { growing: 15_000, undecided: 60_000 };
/** With several Orthancs, a study counts as stable when nothing came for this time. The default of Orthanc's StableAge. */
const stableMs = 60_000;

/**
 * Applies the rules on studies. A study is due when something was decided of one of its pictures. It is looked at when it
 * is stable and each picture has a category, or when the time to wait is over. What is due is kept until what follows is
 * recorded in Orthanc, so a kill at any moment loses nothing, and what was told is not told again.
 */
export class StudyRules implements Derived {
  readonly name = 'study_rules';
  readonly #parts: Parts;
  readonly #stop = new AbortController();
  readonly #timer = new WakeableTimer(this.#stop.signal);
  readonly #resting = new Map<StudyId, { until: number; ms: number; why: Waits['why'] }>();
  #paused = true;
  #running: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Something was decided of a picture of this study. To be called before that counts as done. */
  async mark(study: StudyId): Promise<void> {
    const { store, locks, log } = this.#parts;
    await locks.exclusive('study rules', study, async () => {
      const known = await readOrSetAside(store, keyOf(study), due, log);
      if (known === undefined || known === 'damaged')
        await store.write(keyOf(study), { since: new Date().toISOString() });
    });
    // One that grows is not read whole after each of its pictures.
    if (this.#resting.get(study)?.why !== 'growing') this.#resting.delete(study);
  }

  /** Whether the rules were applied to the study as it is. One to which they were never applied is none of a sweep's business. */
  isUpToDate(tree: StudyTree): boolean {
    const known = studyRoutesOf(tree.study);
    return known === undefined || known.content === studyFactsOf(tree, this.#parts.modalities).content;
  }

  update(study: StudyId): Promise<void> {
    return this.mark(study);
  }

  resume(): void {
    this.#paused = false;
    this.#timer.wake();
    this.#running ??= this.#run();
  }

  pause(): void {
    this.#paused = true;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#timer.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { orthanc, store, pollMs = defaultPollMs, log } = this.#parts;
    while (!this.#stop.signal.aborted) {
      try {
        const names = this.#paused ? [] : await store.names(folder);
        await this.#lookAt(names.flatMap((name) => studyId.safeParse(name).data ?? []));
      } catch (caught) {
        const error = asPlainviewError(caught);
        if (!(await orthanc.isAway(error)))
          log.warn({ err: error }, 'rules on studies could not be applied: they are applied later');
        await this.#timer.sleep(retryMs);
      }
      await this.#timer.sleep(pollMs);
    }
  }

  async #lookAt(studies: readonly StudyId[]): Promise<void> {
    const { orthanc, log } = this.#parts;
    for (const gone of [...this.#resting.keys()].filter((study) => !studies.includes(study)))
      this.#resting.delete(gone);
    for (const study of studies) {
      if (this.#paused || this.#stop.signal.aborted) return;
      if ((this.#resting.get(study)?.until ?? 0) > Date.now()) continue;
      try {
        const waits = await this.apply(study);
        if (waits) this.#rest(study, waits);
        else this.#resting.delete(study);
      } catch (caught) {
        const error = asPlainviewError(caught);
        if (await orthanc.isAway(error)) throw error;
        // One study's fault: the rules are there for all others.
        log.warn({ err: error, study }, 'the rules could not be applied to a study: they are applied later');
        this.#rest(study, { why: 'undecided', until: Number.POSITIVE_INFINITY });
      }
    }
  }

  #rest(study: StudyId, { why, until }: Waits): void {
    const ms = Math.min((this.#resting.get(study)?.ms ?? firstRestMs / 2) * 2, longestRestMs[why]);
    this.#resting.set(study, { why, ms, until: Math.min(Date.now() + ms, until) });
  }

  /**
   * Applies the rules to a study that is due.
   * @returns what it waits for, where it is not ready
   */
  async apply(study: StudyId): Promise<Waits | undefined> {
    const { orthanc, store, locks, rules, modalities, onPending, log } = this.#parts;
    const pending: StudyRoute[] = [];
    const waits = await locks.exclusive('study rules', study, async () => {
      const known = await readOrSetAside(store, keyOf(study), due, log);
      if (known === undefined) return undefined;
      // One whose time is not known waits no longer.
      const since = known === 'damaged' ? new Date(0).toISOString() : known.since;
      if (known === 'damaged') await store.write(keyOf(study), { since });
      const tree = await orthanc.hierarchy.tree(study);
      if (tree !== undefined) {
        const facts = studyFactsOf(tree, modalities);
        const why = this.#whyNotReady(tree, facts);
        const until = Date.parse(since) + rules.waitMinutes * 60_000;
        if (why !== undefined && Date.now() < until) return { why, until };
        pending.push(...(await this.#record(tree, facts)));
      }
      await store.remove(keyOf(study));
      return undefined;
    });
    for (const { to } of pending) onPending(study, to);
    return waits;
  }

  #whyNotReady({ study, instances }: StudyTree, { pictures }: StudyFacts): Waits['why'] | undefined {
    const received = instances.map(({ Metadata }) => receptionTime(Metadata.ReceptionDate ?? '') ?? 0);
    const isQuiet = !this.#parts.hasSeveral || Date.now() - Math.max(0, ...received) > stableMs;
    if (!study.IsStable || !isQuiet) return 'growing';
    return pictures.some(({ category }) => category === undefined) ? 'undecided' : undefined;
  }

  /** @returns the pending routes */
  async #record(tree: StudyTree, facts: StudyFacts): Promise<StudyRoute[]> {
    const { groupLabels, rules, sha256, categories, known, labelPrefix } = this.#parts;
    let pending: StudyRoute[] = [];
    await groupLabels.change(tree.study.ID, (before): StudyRoutes => {
      const asked = new Date().toISOString();
      const former = (before?.routes ?? []).map(superseded(facts.content, asked));
      const plan = planStudy(rules, tree, facts, former, { categories, ...known() });
      const routes = plan.sends.flatMap(({ rule, to, whyNot }): StudyRoute[] =>
        whyNot === undefined ? [{ to, rule: rule.name, of: facts.content, state: 'pending', asked }] : [],
      );
      const all = withoutOld([...former.filter((each) => !isRetriedBy(routes, each)), ...routes]);
      pending = all.filter(isPendingRoute);
      return {
        content: facts.content,
        rules: sha256,
        wanted: plan.labels.map((label) => labelPrefix + label),
        routes: all,
      };
    });
    return pending;
  }
}

/** What a study that is not ready waits for, and until when at the latest. Milliseconds since 1970. */
interface Waits {
  why: 'growing' | 'undecided';
  until: number;
}

/** Whether a route failed that is to be tried again now. */
const isRetriedBy = (routes: readonly StudyRoute[], failed: StudyRoute): boolean =>
  failed.state === 'failed' && routes.some((each) => isSameRoute(each, failed) && each.of === failed.of);

/** What was to be told of the study as it was is not told. */
const superseded =
  (content: string, ended: string) =>
  (route: StudyRoute): StudyRoute =>
    isPendingRoute(route) && route.of !== content
      ? { ...route, state: 'skipped', ended, why: 'the pictures of the study have changed' }
      : route;
