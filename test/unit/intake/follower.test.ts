import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import nock from 'nock';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { ChangeCursor } from '../../../src/intake/cursor.js';
import { Follower } from '../../../src/intake/follower.js';
import { type InstanceId, instanceId } from '../../../src/orthanc/ids.js';
import { Orthanc } from '../../../src/orthanc/orthanc.js';
import { AdmissionPolicy } from '../../../src/queue/admission-policy.js';
import { MemoryQueue } from '../../../src/queue/memory.js';
import { FolderStore } from '../../../src/store/folder-store.js';
import { waitFor } from '../../../testkit/wait-for.js';

const base = 'http://orthanc.test';
const id = (n: number) => instanceId.parse(`${n.toString(16).padStart(8, '0')}${'-00000000'.repeat(4)}`);
const change = (Seq: number, n = Seq, ChangeType = 'NewInstance', ResourceType = 'Instance') => ({
  Seq,
  ID: id(n),
  ChangeType,
  ResourceType,
});

const MainDicomTags = { '0008,0018': '1.1.1' };
const FileUuid = 'file';

let folder: string;
let log: ReturnType<typeof change>[];
let filters: boolean;
/** The database plugin; null with SQLite. */
let plugin: string | null;
/** Queries of `/changes` so far, without those of the start. */
let pages: URLSearchParams[];
/** What an empty page calls the last number, where that is not the highest. */
let writtenLast: number | undefined;
const ends: (() => Promise<void>)[] = [];

/** A change log as Orthanc answers it. `filters`: whether the database plugin supports `type=`. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plainview-state-'));
  log = [];
  filters = true;
  plugin = null;
  pages = [];
  writtenLast = undefined;
  serveSystem();
  serveChanges();
  nock(base)
    .persist()
    .post('/tools/bulk-content')
    .reply((_uri, body) => [200, contentsOf(body)]);
});

/** Orthanc's answer to a request for the content of instances. */
const contentsOf = (body: unknown) =>
  (body as { Resources: string[] }).Resources.map((ID) => ({
    ID,
    ParentSeries: ID,
    MainDicomTags,
    FileUuid,
  }));

function serveSystem(): void {
  nock(base)
    .persist()
    .get('/system')
    .reply(() => [200, { Version: '1.12.7', DatabaseBackendPlugin: plugin }]);
}

function serveChanges(): void {
  nock(base)
    .persist()
    .get('/changes')
    .query(true)
    .reply((uri) => {
      const query = new URL(uri, base).searchParams;
      const type = query.get('type')?.split(';');
      if (query.has('last')) return [200, { Changes: log.slice(-1), Done: true, Last: log.at(-1)?.Seq ?? 0 }];
      if (query.get('limit') !== '1') pages.push(query);
      if (type && !filters) return [400];
      const since = Number(query.get('since'));
      const after = log.filter(({ Seq, ChangeType }) => Seq > since && (!type || type.includes(ChangeType)));
      const Changes = after.slice(0, Number(query.get('limit')));
      const Last = Changes.at(-1)?.Seq ?? writtenLast ?? log.at(-1)?.Seq ?? 0;
      return [200, { Changes, Done: Changes.length === after.length, Last }];
    });
}
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  nock.cleanAll();
  rmSync(folder, { recursive: true });
});

async function follow({
  settles = () => true,
  lateMs = 600_000,
  env = {},
}: {
  settles?: (instance: InstanceId) => boolean;
  lateMs?: number;
  env?: NodeJS.ProcessEnv;
} = {}) {
  const lines: string[] = [];
  const sink = { write: (line: string) => void lines.push(line) };
  const looked: string[] = [];
  const cleared = vi.fn();
  const late = vi.fn();
  const begin = vi.fn(async () => undefined);
  const orthanc = new Orthanc(
    loadConfig({ PLAINVIEW_ORTHANC_URL: base, PLAINVIEW_ORTHANC_RETRIES: '0', ...env }),
  );
  const queue = new MemoryQueue(new AdmissionPolicy({ concurrency: 4, backlog: 4 }), async ({ instance }) => {
    looked.push(instance);
    if (!settles(instance)) await new Promise(() => undefined);
    return { kind: 'settled' };
  });
  const follower = new Follower({
    orthanc,
    queue,
    cursor: await ChangeCursor.open(new FolderStore(folder), pino({ level: 'silent' })),
    isSettled: async () => false,
    isUnfinished: async () => false,
    groupRequests: { begin },
    onLogCleared: cleared,
    onLate: late,
    pollMs: 5,
    lateMs,
    log: pino({}, sink),
  });
  follower.resume();
  const end = async () => {
    await follower.stop();
    orthanc.close();
  };
  ends.push(end);
  return { looked, cleared, late, begin, lines, end, follower };
}

const saved = (): { since: number; bookmark?: unknown } => {
  const file = join(folder, 'changes.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { since: 0 };
};

test('a database that cannot filter is read without a filter', async () => {
  filters = false;
  log = [change(1), change(2, 2, 'NewSeries', 'Series'), change(3, 3, 'UpdatedMetadata'), change(4)];
  const { looked } = await follow();
  await vi.waitUntil(() => looked.length === 2);
  expect(looked.sort()).toEqual([id(1), id(4)]);
  await vi.waitUntil(() => saved().since === 4);
});

test('the cursor does not pass an unsettled change, although the log is read further', async () => {
  log = [change(5), change(6)];
  const { looked, end } = await follow({ settles: () => false });
  await vi.waitUntil(() => looked.length === 2);
  await end();
  expect(saved().since).toBe(4);
});

test('a shorter log is another log and is read from its start', async () => {
  writeFileSync(join(folder, 'changes.json'), JSON.stringify({ since: 100 }));
  log = [change(1), change(2)];
  const { looked } = await follow();
  await vi.waitUntil(() => looked.length === 2);
  await vi.waitUntil(() => saved().since === 2);
});

test('a log with another change at the bookmark is another log and is read from its start', async () => {
  writeFileSync(join(folder, 'changes.json'), JSON.stringify({ since: 2, bookmark: { seq: 2, id: id(99) } }));
  log = [change(1), change(2), change(3)];
  const { looked } = await follow();
  await vi.waitUntil(() => looked.length === 3);
});

test('a cleared log starts one sweep', async () => {
  writeFileSync(join(folder, 'changes.json'), JSON.stringify({ since: 2, bookmark: { seq: 2, id: id(2) } }));
  log = [change(7)];
  const { looked, cleared, end } = await follow();
  await vi.waitUntil(() => looked.length === 1);
  expect(cleared).toHaveBeenCalledTimes(1);
  await vi.waitUntil(() => saved().since === 7);
  await end();
  const restarted = await follow();
  log.push(change(8));
  await vi.waitUntil(() => restarted.looked.length === 1);
  expect(restarted.cleared).not.toHaveBeenCalled();
});

test('if the state file cannot be read, the log is read from its start', async () => {
  writeFileSync(join(folder, 'changes.json'), '{"since": 10');
  log = [change(1)];
  const { looked } = await follow();
  await vi.waitUntil(() => looked.length === 1);
});

test('a page is read again after an error in its middle', async () => {
  nock.cleanAll();
  serveSystem();
  let tries = 0;
  nock(base)
    .persist()
    .get('/changes')
    .query(true)
    .reply(200, () => ({ Changes: tries > 1 ? [] : [change(1)], Done: true, Last: 1 }));
  nock(base)
    .persist()
    .post('/tools/bulk-content')
    .reply(() =>
      ++tries === 1 ? [500] : [200, [{ ID: id(1), ParentSeries: id(1), MainDicomTags, FileUuid }]],
    );
  const { looked } = await follow();
  await vi.waitUntil(() => looked.length > 0, { timeout: 5000 });
  expect(looked).toEqual([id(1)]);
});

test('a page with instances that Orthanc cannot give is read in halves: only those are left, and told of', async () => {
  log = Array.from({ length: 160 }, (_, n) => change(n + 1));
  const bad = new Set([id(3), id(150)]);
  const pages: number[] = [];
  nock.cleanAll();
  serveSystem();
  serveChanges();
  nock(base)
    .persist()
    .post('/tools/bulk-content')
    .reply((_uri, body) => {
      const { Resources } = body as { Resources: string[] };
      pages.push(Resources.length);
      if (Resources.length > 50 || Resources.some((each) => bad.has(instanceId.parse(each))))
        return [200, 'x'.repeat(3_100_000)];
      return [200, contentsOf(body)];
    });
  const { looked, lines } = await follow({ env: { PLAINVIEW_MAX_MEGAPIXELS: '1' } });
  await vi.waitUntil(() => saved().since === 160, { timeout: 25_000 });
  expect(looked).toHaveLength(158);
  expect(looked.some((each) => bad.has(instanceId.parse(each)))).toBe(false);
  for (const each of bad) expect(lines.join('')).toContain(each);
  expect(pages.length).toBeLessThan(50);
});

test('a page that fails because another server answers is not gone past', async () => {
  log = [change(1), change(2)];
  nock.cleanAll();
  serveSystem();
  let isOrthanc = false;
  nock(base)
    .persist()
    .get('/changes')
    .query(true)
    .reply((uri) => {
      const isFirst = !uri.includes('last');
      const Changes = uri.includes('since=2') ? [] : log;
      return isOrthanc || isFirst ? [200, { Changes, Done: true, Last: 2 }] : [200, '<html>'];
    });
  nock(base)
    .persist()
    .post('/tools/bulk-content')
    .reply((_uri, body) => (isOrthanc ? [200, contentsOf(body)] : [200, '<html>']));
  const { looked, lines } = await follow();
  await vi.waitUntil(() => lines.join('').includes('could not be read'), { timeout: 25_000 });
  expect(saved().since).toBe(0);
  isOrthanc = true;
  await vi.waitUntil(() => looked.length === 2, { timeout: 25_000 });
});

/** The `since` of pages that were read so far. */
const read = () => pages.map((query) => Number(query.get('since')));
/** Waits until the end of the log was read several times more. */
const polls = async (times = 5) => {
  const before = pages.length;
  await waitFor(() => pages.length >= before + times);
};

describe('a database with several writers', () => {
  beforeEach(() => {
    plugin = 'postgresql';
  });
  const insert = (...entries: ReturnType<typeof change>[]) => {
    log = [...log, ...entries].sort((one, other) => one.Seq - other.Seq);
  };

  test('an entry that becomes visible after a higher one is found and counted', async () => {
    log = [change(1), change(4)];
    const { looked, late, follower } = await follow();
    await waitFor(() => looked.length === 2);
    expect(follower.openGaps).toBe(1);
    await waitFor(() => saved().since === 1);
    insert(change(3));
    await waitFor(() => looked.length === 3);
    insert(change(2));
    await waitFor(() => looked.length === 4);
    await waitFor(() => saved().since === 4);
    expect(late.mock.calls.flat()).toEqual([1, 1]);
    expect(follower.openGaps).toBe(0);
  });

  test('and so is one that came while the service was down', async () => {
    log = [change(1), change(3)];
    const first = await follow();
    await waitFor(() => first.looked.length === 2 && saved().since === 1);
    await first.end();
    // An older version can go on from here: the file is as before.
    expect(Object.keys(saved()).sort()).toEqual(['bookmark', 'since']);
    insert(change(2));
    const { looked } = await follow();
    await waitFor(() => looked.includes(id(2)));
    await waitFor(() => saved().since === 3);
  });

  test('a late entry holds the cursor until it is settled', async () => {
    log = [change(1), change(3), change(4)];
    const { looked, end, follower } = await follow({ settles: (instance) => instance !== id(2) });
    await waitFor(() => looked.length === 3);
    insert(change(2));
    await waitFor(() => looked.length === 4);
    await waitFor(() => follower.openGaps === 0);
    await end();
    expect(saved().since).toBe(1);
  });

  test('a late request on a study is begun', async () => {
    log = [change(1), change(3)];
    const { begin, late } = await follow();
    await waitFor(() => saved().since === 1);
    insert(change(2, 2, 'UpdatedMetadata', 'Study'));
    await waitFor(() => late.mock.calls.length > 0);
    expect(begin).toHaveBeenCalledExactlyOnceWith('Study', [id(2)], expect.anything());
  });

  test('changes of other kinds are no gaps, and without gaps nothing is read twice', async () => {
    log = [change(1), change(2, 2, 'NewSeries', 'Series'), change(3, 3, 'StableStudy', 'Study'), change(4)];
    const { looked } = await follow();
    await waitFor(() => looked.length === 2);
    await polls();
    expect(new Set(read())).toEqual(new Set([0, 4]));
    expect(read().filter((since) => since === 0)).toHaveLength(1);
  });

  test('a number that does not come is given up when the log has grown for long enough', async () => {
    log = [change(1), change(3)];
    const { follower } = await follow({ lateMs: 40 });
    await waitFor(() => saved().since === 1);
    await polls(20);
    expect(follower.openGaps).toBe(1);
    await waitFor(() => {
      insert(change((log.at(-1)?.Seq ?? 0) + 1));
      return saved().since > 3;
    });
    expect(follower.openGaps).toBe(0);
  });

  test('numbers that never come are asked for in few calls', async () => {
    log = [change(1), ...Array.from({ length: 100 }, (_, index) => change(2000 + 2 * index))];
    const { looked } = await follow();
    await waitFor(() => looked.length === 101);
    // At growing intervals, one page for all hundred gaps. The longer the first time took, the later is the second.
    const back = () => read().filter((since, index) => since === 1 && index > 0);
    await polls(20);
    await waitFor(() => back().length > 1);
    expect(back().length).toBeLessThan(10);
    expect(new Set(read())).toEqual(new Set([0, 1, 2198]));
  });

  test('where the entry that was written last has not the highest number, the log is not another one', async () => {
    log = [change(1), change(2), change(3)];
    writtenLast = 2;
    const { lines, looked } = await follow();
    await waitFor(() => saved().since === 3);
    await polls();
    expect(lines.join('')).not.toContain('is not the one read before');
    expect(looked).toHaveLength(3);
  });

  test('a log that is cleared while numbers are missing goes on', async () => {
    log = [change(1), change(3)];
    const { looked } = await follow();
    await waitFor(() => looked.length === 2);
    log = [];
    writtenLast = 3;
    await polls();
    insert(change(9));
    await waitFor(() => looked.includes(id(9)));
  });
});

test('with SQLite, missing numbers are deleted entries: nothing is read twice, and nothing without a filter', async () => {
  log = [change(1), change(5), change(9)];
  const { looked } = await follow();
  await waitFor(() => looked.length === 3);
  await waitFor(() => saved().since === 9);
  await polls();
  expect(read().filter((since) => since !== 9)).toEqual([0]);
  expect(pages.every((query) => query.has('type'))).toBe(true);
});
