import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach } from 'vitest';
import { deriveKey } from '../src/access/keys.js';
import { Categories } from '../src/anatomy/categories.js';
import { loadConfig } from '../src/config/load.js';
import type { Config } from '../src/config/options.js';
import { Aggregates } from '../src/decisions/aggregates.js';
import { CorrectionStore } from '../src/decisions/correction-store.js';
import type { CategoryLabels } from '../src/decisions/proposals.js';
import { Recorder } from '../src/decisions/recorder.js';
import { RequestSeal } from '../src/decisions/request-seal.js';
import {
  type GroupRecord,
  groupRecord,
  type InstanceRecord,
  instanceRecord,
  type NewDecision,
  readRecord,
} from '../src/decisions/schema.js';
import { type InstanceId, instanceId, type StudyId, studyId } from '../src/orthanc/ids.js';
import { Orthanc } from '../src/orthanc/orthanc.js';
import { FolderStore } from '../src/store/folder-store.js';
import { LocalLocks } from '../src/store/local-locks.js';
import type { FakeOrthanc, FakeOrthancOptions, FakeRequest } from './fake-orthanc.js';
import { startFakeOrthanc } from './fake-orthanc.js';

/** A stored instance and what is above it. */
export interface Line {
  instance: InstanceId;
  series: string;
  study: StudyId;
  patient: string;
}

/** What one process of Plainview has for its decisions, on the fake Orthanc. */
export interface Process {
  config: Config;
  orthanc: Orthanc;
  locks: LocalLocks;
  aggregates: Aggregates;
  recorder: Recorder;
}

/** PLAINVIEW_SECRET of the processes on the fake Orthanc. */
export const siteSecret = 'the secret of the site';

/** How categories are named as labels, where there is no prefix. */
export const categories = Categories.read();
export const names: CategoryLabels = { prefix: '', categories: categories.names };

export const silent = pino({ level: 'silent' });

/** A new fake Orthanc for each test of a file, and a state folder. */
export function useFakeSite(options: FakeOrthancOptions = {}) {
  let fake: FakeOrthanc | undefined;
  let stateDir = '';
  const clients: Orthanc[] = [];
  const running = (): FakeOrthanc => {
    if (fake === undefined) throw new Error('the fake Orthanc runs only while tests do');
    return fake;
  };
  beforeEach(async () => {
    fake = await startFakeOrthanc(options);
    stateDir = mkdtempSync(join(tmpdir(), 'plainview-state-'));
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await fake?.stop();
    rmSync(stateDir, { recursive: true });
  });

  return {
    get fake() {
      return running();
    },
    get stateDir() {
      return stateDir;
    },
    /** A process that starts now: it shares only Orthanc and the state folder with others. */
    process(env: NodeJS.ProcessEnv = {}): Process {
      const config = loadConfig({
        PLAINVIEW_ORTHANC_URL: running().url,
        PLAINVIEW_ORTHANC_RETRIES: '0',
        PLAINVIEW_STATE_DIR: stateDir,
        ...env,
      });
      const orthanc = new Orthanc(config);
      clients.push(orthanc);
      const locks = new LocalLocks();
      const { labelPrefix } = config;
      const aggregates = new Aggregates(orthanc, { ...names, prefix: labelPrefix }, locks);
      const corrections = new CorrectionStore(new FolderStore(stateDir), locks, silent);
      const seal = new RequestSeal(deriveKey(siteSecret, 'seal'));
      const recorder = new Recorder({ orthanc, labelPrefix, locks, aggregates, corrections, seal });
      return { config, orthanc, locks, aggregates, recorder };
    },
    corrections: () => new CorrectionStore(new FolderStore(stateDir), new LocalLocks(), silent),
    store(file: Buffer): Line {
      const { ID, ParentSeries, ParentStudy, ParentPatient } = running().store(file);
      return {
        instance: instanceId.parse(ID),
        series: ParentSeries,
        study: studyId.parse(ParentStudy),
        patient: ParentPatient,
      };
    },
    record: (id: string): InstanceRecord | undefined =>
      readRecord(instanceRecord, running().metadata(id).Radiograph),
    group: (id: string): GroupRecord | undefined =>
      readRecord(groupRecord, running().metadata(id).Radiograph),
    category: (id: string): string | undefined => running().metadata(id).RadiographCategory,
    /** The writes of Orthanc so far. Each identifier is replaced by `…`. */
    writes: (): string[] =>
      running()
        .calls.filter(isWrite)
        .map(({ method, path }) => `${method} ${path.replace(/[0-9a-f]{8}(-[0-9a-f]{8}){4}/, '…')}`),
    /** Writes as another client of Orthanc. */
    async put(path: string, body = ''): Promise<void> {
      const answer = await fetch(`${running().url}/${path}`, { method: 'PUT', body });
      if (!answer.ok) throw new Error(`PUT ${path}: ${answer.status}`);
    },
    async remove(path: string): Promise<void> {
      await fetch(`${running().url}/${path}`, { method: 'DELETE' });
    },
    /** Runs a task of a process that loses Orthanc for good after that many writes. @returns whether it did */
    async dying(writes: number, task: () => Promise<unknown>): Promise<boolean> {
      let left = writes;
      let isDead = false;
      running().intercept = (asked) => {
        isDead ||= isWrite(asked) && left-- === 0;
        return isDead ? 'cut' : undefined;
      };
      await task().catch((error: unknown) => {
        if (!isDead) throw error;
      });
      running().intercept = () => undefined;
      return isDead;
    },
    /** Another client's task runs before the call that is the `nth` from now on, counted from 0. */
    interrupt(
      nth: number,
      task: () => Promise<unknown>,
      which: (asked: FakeRequest) => boolean = () => true,
    ): void {
      let left = nth;
      running().intercept = async (asked) => {
        if (!which(asked) || left-- > 0) return undefined;
        running().intercept = () => undefined;
        await task();
        return undefined;
      };
    },
  };
}

export type FakeSite = ReturnType<typeof useFakeSite>;

/** Whether a call changes something in Orthanc. */
export const isWrite = ({ method, path }: { method: string; path: string }): boolean =>
  ['PUT', 'DELETE'].includes(method) || (method === 'POST' && path === '/instances');

/** A network's decision. */
export const decidedAs = (category: string, more: Partial<NewDecision> = {}): NewDecision => ({
  decision: 'category',
  category,
  reason: `${category} at 0.990`,
  top: [{ category, score: 0.99 }],
  who: 'network',
  network: { name: 'stub', sha256: 'a'.repeat(64) },
  engine: 'onnxruntime',
  when: '2024-02-01T00:00:00.000Z',
  ms: 1,
  ...more,
});

/** A person's decision that takes the place of the network's. */
export const byPerson = ({ labels: _, version: __, who: ___, order: ____, ...before }: InstanceRecord) => ({
  ...before,
  decision: 'category' as const,
  category: 'hand_ap',
  who: 'person' as const,
  person: { who: 'alice', when: '2024-03-01T00:00:00.000Z', action: 'correct' as const },
  before,
  when: '2024-03-01T00:00:00.000Z',
});
