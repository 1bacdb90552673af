import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import nock from 'nock';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { ChangeCursor } from '../../../src/intake/cursor.js';
import { Follower } from '../../../src/intake/follower.js';
import { instanceId } from '../../../src/orthanc/ids.js';
import { Orthanc } from '../../../src/orthanc/orthanc.js';
import { AdmissionPolicy } from '../../../src/queue/admission-policy.js';
import { MemoryQueue } from '../../../src/queue/memory.js';
import { FolderStore } from '../../../src/store/folder-store.js';

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
const ends: (() => Promise<void>)[] = [];

/** A change log as Orthanc answers it. `filters`: whether the database plugin supports `type=`. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plainview-state-'));
  log = [];
  filters = true;
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

function serveChanges(): void {
  nock(base)
    .persist()
    .get('/changes')
    .query(true)
    .reply((uri) => {
      const query = new URL(uri, base).searchParams;
      const type = query.get('type')?.split(';');
      if (type && !filters) return [400];
      const since = Number(query.get('since'));
      const after = log.filter(({ Seq, ChangeType }) => Seq > since && (!type || type.includes(ChangeType)));
      const Changes = after.slice(0, Number(query.get('limit')));
      const Last = Changes.at(-1)?.Seq ?? log.at(-1)?.Seq ?? 0;
      return [200, { Changes, Done: Changes.length === after.length, Last }];
    });
}
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  nock.cleanAll();
  rmSync(folder, { recursive: true });
});

async function follow({ settles = true, env = {} }: { settles?: boolean; env?: NodeJS.ProcessEnv } = {}) {
  const lines: string[] = [];
  const sink = { write: (line: string) => void lines.push(line) };
  const looked: string[] = [];
  const cleared = vi.fn();
  const orthanc = new Orthanc(
    loadConfig({ PLAINVIEW_ORTHANC_URL: base, PLAINVIEW_ORTHANC_RETRIES: '0', ...env }),
  );
  const queue = new MemoryQueue(new AdmissionPolicy({ concurrency: 4, backlog: 4 }), async ({ instance }) => {
    looked.push(instance);
    if (!settles) await new Promise(() => undefined);
    return { kind: 'settled' };
  });
  const follower = new Follower({
    orthanc,
    queue,
    cursor: await ChangeCursor.open(new FolderStore(folder), pino({ level: 'silent' })),
    isSettled: async () => false,
    isUnfinished: async () => false,
    groupRequests: { begin: async () => undefined },
    onLogCleared: cleared,
    pollMs: 5,
    log: pino({}, sink),
  });
  follower.resume();
  const end = async () => {
    await follower.stop();
    orthanc.close();
  };
  ends.push(end);
  return { looked, cleared, lines, end };
}

const saved = (): { since: number } => {
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
  const { looked, end } = await follow({ settles: false });
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
