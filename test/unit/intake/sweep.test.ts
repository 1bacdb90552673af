import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import nock from 'nock';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { sweepOrders } from '../../../src/contract/sweep.js';
import { createError } from '../../../src/errors/errors.js';
import { Sweep } from '../../../src/intake/sweep.js';
import type { StudyTree } from '../../../src/orthanc/hierarchy.js';
import { instanceId } from '../../../src/orthanc/ids.js';
import { Orthanc } from '../../../src/orthanc/orthanc.js';
import { AdmissionPolicy } from '../../../src/queue/admission-policy.js';
import { MemoryQueue } from '../../../src/queue/memory.js';
import { FolderStore } from '../../../src/store/folder-store.js';

/** Milliseconds of each pause. Where a test uses a fake clock, it advances by them at once. */
const pauses: number[] = [];
const sleep = async (ms: number) => {
  pauses.push(ms);
  if (vi.isFakeTimers()) vi.setSystemTime(Date.now() + ms);
  await new Promise<void>(setImmediate);
};

const base = 'http://orthanc.test';
const id = (n: number) => instanceId.parse(`${n.toString(16).padStart(8, '0')}${'-00000000'.repeat(4)}`);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);
const done = { timeout: 20_000 };

let folder: string;
/** Series, the newest first. Each has its own study and one instance. */
let archive: number[];
let decided: Set<string>;
let searches: { Since: number; Limit: number; OrderBy: [{ Direction: string }] }[];
/** Called before the answer to the search for a page. The first page is 1. */
let onPage: (page: number) => void;
/** The resource that Orthanc cannot read. */
let unreadable: string | undefined;
const ends: (() => Promise<void>)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plainview-state-'));
  archive = [];
  decided = new Set();
  searches = [];
  onPage = () => undefined;
  unreadable = undefined;
  pauses.splice(0);
  const orthanc = nock(base).persist();
  orthanc.get('/system').reply(200, { Version: '1.12.7' });
  orthanc.get('/changes?last').reply(200, { Changes: [], Done: true, Last: 0 });
  orthanc.post('/tools/count-resources').reply(200, () => ({ Count: archive.length }));
  orthanc.post('/tools/find').reply(200, (_uri, body) => {
    const page = body as (typeof searches)[number];
    searches.push(page);
    onPage(searches.length);
    const list = page.OrderBy[0].Direction === 'DESC' ? archive : archive.toReversed();
    return list.slice(page.Since, page.Since + page.Limit).map((n) => ({
      ID: id(n),
      ParentStudy: id(n),
      Instances: [id(n)],
      MainDicomTags: { SeriesInstanceUID: '1.1', Modality: 'DX' },
    }));
  });
  orthanc.post('/tools/bulk-content').reply((_uri, body) => {
    const { Resources } = body as { Resources: string[] };
    if (Resources.some((resource) => resource === unreadable)) return [400];
    return [200, Resources.map(resource)];
  });
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  vi.useRealTimers();
  nock.cleanAll();
  rmSync(folder, { recursive: true });
});

function sweeper(more: Partial<ConstructorParameters<typeof Sweep>[0]> = {}) {
  const lines: string[] = [];
  const orthanc = new Orthanc(loadConfig({ PLAINVIEW_ORTHANC_URL: base, PLAINVIEW_ORTHANC_RETRIES: '0' }));
  const sweep = new Sweep({
    orthanc,
    queue: new MemoryQueue(new AdmissionPolicy({ concurrency: 4, backlog: 4 }), async ({ instance }) => {
      decided.add(instance);
      return { kind: 'settled' };
    }),
    network: () => 'a',
    modalities: ['DX'],
    isSettled: async ({ ID }) => decided.has(ID),
    reconciler: { reconcile: async () => [] },
    sleep,
    rate: 0,
    quietHours: undefined,
    store: new FolderStore(folder),
    log: pino({ level: 'info' }, { write: (line) => lines.push(line) }),
    ...more,
  });
  ends.push(async () => {
    await sweep.stop();
    orthanc.close();
  });
  return { sweep, lines, idle: () => vi.waitUntil(() => sweep.progress.state === 'idle', done) };
}

/** A resource that is an instance, a series and a study at the same time. */
const resource = (ID: string) => ({
  ID,
  ParentSeries: ID,
  ParentStudy: ID,
  ParentPatient: ID,
  Instances: [ID],
  Series: [ID],
  FileUuid: 'file',
  MainDicomTags: { '0008,0018': '1.1.1', '0020,000e': '1.1', '0020,000d': '1', '0008,0060': 'DX' },
});

const saved = () => JSON.parse(readFileSync(join(folder, 'sweep.json'), 'utf8'));

test('a page that a stop interrupts is not counted as done, and the next start reads it again', async () => {
  archive = upTo(120);
  decided = new Set(archive.map(id));
  decided.delete(id(60));
  const first = sweeper();
  const stopped = new Promise<void>((resolve) => {
    onPage = (page) => page === 2 && resolve(first.sweep.stop());
  });
  first.sweep.begin();
  await stopped;
  expect(saved()).toMatchObject({ done: 50 });

  onPage = () => undefined;
  const second = sweeper();
  await second.sweep.resume();
  await second.idle();
  expect(searches[2]?.Since).toBe(50);
  expect(decided).toContain(id(60));
});

test('a sweep that was interrupted begins anew where another network is in use at the next start', async () => {
  archive = upTo(120);
  decided = new Set(archive.map(id));
  const first = sweeper();
  const stopped = new Promise<void>((resolve) => {
    onPage = (page) => page === 2 && resolve(first.sweep.stop());
  });
  first.sweep.begin();
  await stopped;
  onPage = () => undefined;
  // What the first one had passed is not settled for the other network.
  decided.clear();
  const second = sweeper({ network: () => 'b' });
  await second.sweep.resume();
  await second.idle();
  expect(decided.size).toBe(120);
  // One that has ended does not begin anew.
  decided.clear();
  const third = sweeper({ network: () => 'c' });
  await third.sweep.resume();
  await third.idle();
  expect(decided.size).toBe(0);
});

describe.each(sweepOrders)('%s first', (order) => {
  test('finds series that move up when others are deleted', async () => {
    archive = upTo(120);
    onPage = (page) => page === 2 && archive.splice(order === 'newest' ? 0 : 100, 20);
    const { sweep, idle } = sweeper();
    sweep.begin(order);
    await idle();
    for (const n of archive) expect(decided).toContain(id(n));
  });

  test('finds them also where all other instances are decided', async () => {
    archive = upTo(120);
    decided = new Set(archive.map(id));
    const passed = order === 'newest' ? 60 : 61;
    decided.delete(id(passed));
    onPage = (page) => page === 2 && archive.splice(order === 'newest' ? 0 : 100, 20);
    const { sweep, idle } = sweeper();
    sweep.begin(order);
    await idle();
    expect(decided).toContain(id(passed));
  });

  test('reads an unchanged archive with only decided instances once', async () => {
    archive = upTo(70);
    decided = new Set(archive.map(id));
    const { sweep, idle } = sweeper();
    sweep.begin(order);
    await idle();
    expect(searches.map(({ Since, OrderBy }) => [Since, OrderBy[0].Direction])).toEqual(
      [0, 50, 70].map((since) => [since, order === 'newest' ? 'DESC' : 'ASC']),
    );
  });
});

describe('a study that is not up to date', () => {
  const faults = {
    orthanc_rejected: () => createError('orthanc_rejected', { what: 'PUT /studies/…', status: 400 }),
    orthanc_failed: () => createError('orthanc_failed', { what: 'PUT /studies/…', status: 500 }),
    internal: () => new TypeError('undefined is not a function'),
  };

  test.each(Object.entries(faults))(
    'that fails with %s is logged, counted and skipped',
    async (code, fault) => {
      archive = upTo(70);
      const added: string[] = [];
      const reconcile = async ({ study }: StudyTree) => {
        if (String(study.ID) === id(7)) throw fault();
        added.push(study.ID);
        return ['aggregates'];
      };
      const { sweep, lines, idle } = sweeper({ reconciler: { reconcile } });
      sweep.begin();
      await idle();
      expect(new Set(added)).toEqual(new Set(archive.filter((n) => n !== 7).map(id)));
      expect(decided.size).toBe(70);
      expect(sweep.progress).toMatchObject({ done: 70, found: 70, left: 1 });
      const logged = lines.map((line) => JSON.parse(line)).find(({ level }) => level === 50);
      expect(logged).toMatchObject({ study: id(7), err: { code } });
      expect(saved().network).toBe('none');
    },
  );

  test('reads the archive once more where another network came into use meanwhile', async () => {
    archive = upTo(70);
    let network = 'a';
    const decidedBy = new Map<string, string>();
    const isSettled = async ({ ID }: { ID: string }) => {
      const settled = decidedBy.get(ID) === network;
      decidedBy.set(ID, network);
      if (ID === id(60)) network = 'b';
      return settled;
    };
    const { sweep, idle } = sweeper({ isSettled, network: () => network });
    sweep.begin();
    await idle();
    expect([...decidedBy.values()]).toEqual(archive.map(() => 'b'));
    expect(saved().network).toBe('none');
  });

  test('is retried while Orthanc is away', async () => {
    archive = upTo(3);
    let away = 30;
    const added: string[] = [];
    const reconcile = async ({ study }: StudyTree) => {
      if (String(study.ID) === id(2) && away-- > 0)
        throw createError('orthanc_unreachable', { url: base, why: 'ECONNREFUSED' });
      if (added.includes(study.ID)) return [];
      added.push(study.ID);
      return ['aggregates'];
    };
    const { sweep, idle } = sweeper({ reconciler: { reconcile } });
    sweep.begin();
    await idle();
    expect(added).toEqual([1, 2, 3].map(id));
    expect(sweep.progress).toMatchObject({ left: 0, mended: 3 });
  });
});

test('a study that cannot be read is skipped; the others of its page are processed', async () => {
  archive = upTo(70);
  unreadable = id(7);
  const { sweep, lines, idle } = sweeper();
  sweep.begin();
  await idle();
  expect(decided).toEqual(new Set(archive.filter((n) => n !== 7).map(id)));
  expect(sweep.progress.left).toBe(1);
  expect(lines.join('')).toContain(`"study":"${id(7)}"`);
});

test('works only in the quiet hours, and waits for the next ones', async () => {
  archive = upTo(70);
  decided = new Set(archive.map(id));
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(2026, 0, 15, 12) });
  const times: string[] = [];
  onPage = () => {
    times.push(new Date().toString().slice(0, 21));
    vi.setSystemTime(Date.now() + 40 * 60_000);
  };
  const { sweep } = sweeper({ quietHours: { from: 22, to: 23 } });
  sweep.begin();
  expect(sweep.progress.state).toBe('running');
  // Not `waitUntil`, which moves the clock.
  while (sweep.progress.state !== 'idle') await new Promise(setImmediate);
  expect(times).toEqual(['Thu Jan 15 2026 22:00', 'Thu Jan 15 2026 22:40', 'Fri Jan 16 2026 22:00']);
  // It looks at the clock again and again: the clock can be set, and a machine can sleep.
  expect(Math.max(...pauses)).toBeLessThanOrEqual(60_000);
});

test('limits the instances in a second', async () => {
  archive = upTo(70);
  const { sweep, idle } = sweeper({ rate: 5 });
  sweep.begin();
  await idle();
  expect(pauses).toContain(10_000);
  expect(pauses).toContain(4000);
});

describe('a sweep of everything that is in Orthanc now', () => {
  test('begins at once where none is running', async () => {
    archive = [1];
    const { sweep, idle } = sweeper();
    sweep.beginAfterCurrent();
    await idle();
    expect(decided).toContain(id(1));
  });

  test('begins after a running one, which may have missed new instances', async () => {
    archive = upTo(10);
    decided = new Set(archive.map(id));
    const { sweep } = sweeper();
    onPage = (page) => {
      if (page !== 2) return;
      archive.unshift(11);
      sweep.beginAfterCurrent();
    };
    sweep.begin();
    await vi.waitUntil(() => decided.has(id(11)), done);
  });
});
