import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { corrected } from '../../../src/decisions/correction.js';
import type { Recorded } from '../../../src/decisions/record-writer.js';
import type { InstanceRecord } from '../../../src/decisions/schema.js';
import { type Change, Drift } from '../../../src/drift/drift.js';
import { Notifier } from '../../../src/drift/notifier.js';
import { instanceId, studyId } from '../../../src/orthanc/ids.js';
import { FolderStore } from '../../../src/store/folder-store.js';
import { Listener } from '../../../testkit/listener.js';
import { seeded } from '../../../testkit/random.js';
import { waitFor } from '../../../testkit/wait-for.js';

const log = pino({ level: 'silent' });
let folder: string;
let drift: Drift;
let found: Change[];
let number = 0;
let network = 'a';

async function open(): Promise<Drift> {
  const opened = await Drift.open(new FolderStore(folder), () => network.repeat(64), log);
  opened.events.on('changed', (change) => found.push(change));
  return opened;
}
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plainview-drift-'));
  found = [];
  number = 0;
  network = 'a';
  drift = await open();
});
afterEach(() => rm(folder, { recursive: true }));

const idOf = (n: number) => `${n.toString(16).padStart(8, '0')}${'-00000000'.repeat(4)}`;

interface Options {
  station?: string;
  isUnsure?: boolean;
  category?: string;
  by?: string;
  study?: number;
}

function decision(options: Options = {}): InstanceRecord {
  const { station = 'ROOM1', isUnsure = false, category = 'knee_ap', by = network } = options;
  const score = isUnsure ? 0.6 : 0.999;
  return {
    version: 1,
    decision: isUnsure ? 'needs_review' : 'category',
    ...(isUnsure ? {} : { category }),
    reason: '',
    top: [{ category, score }],
    network: { name: by, sha256: by.repeat(64) },
    engine: 'wasm',
    when: new Date(Date.UTC(2026, 0, 1) + number * 60_000).toISOString(),
    ms: 1,
    who: 'network',
    exposure: { image: `1.${number}`, study: '1', station, isForProcessing: false, isDerived: false },
    labels: [],
  };
}

function picture(options: Options = {}): Recorded {
  number++;
  return {
    instance: instanceId.parse(idOf(number)),
    study: studyId.parse(idOf(options.study ?? number)),
    record: decision(options),
    previous: undefined,
    sameExposure: [],
  };
}

/** @param share of the pictures that are unsure */
function see(count: number, share: number, options: Options = {}): void {
  const random = seeded(number + 1);
  for (let n = 0; n < count; n++) drift.recorded(picture({ ...options, isUnsure: random() < share }));
}

test('a station that becomes unsure is found, with examples; others are not', () => {
  for (const station of ['ROOM1', 'ROOM2']) see(500, 0.05, { station });
  expect(found).toEqual([]);
  const before = number;
  see(60, 0.7);
  see(60, 0.05, { station: 'ROOM2' });
  const whole = found.filter(({ category }) => category === undefined);
  expect(whole.map(({ station, signal }) => [station, signal])).toContainEqual(['ROOM1', 'unsure']);
  expect(new Set(found.map(({ station }) => station))).toEqual(new Set(['ROOM1']));
  const [unsure] = whole.filter(({ signal }) => signal === 'unsure');
  expect(unsure?.before).toBeLessThan(0.12);
  expect(unsure?.now).toBeGreaterThan(0.15);
  expect(unsure?.examples).toHaveLength(5);
  const first = idOf(before);
  expect(unsure?.examples.every((instance) => instance > first)).toBe(true);
});

test('one category of a station can change alone', () => {
  for (const category of ['knee_ap', 'hand_ap', 'foot_ap', 'chest_pa_ap']) see(500, 0.02, { category });
  for (let n = 0; n < 30; n++) {
    for (const category of ['hand_ap', 'foot_ap', 'chest_pa_ap']) see(3, 0, { category });
    see(1, 0.6, { category: 'knee_ap' });
  }
  expect(found.map(({ category }) => category)).toContain('knee_ap');
  expect(found.every(({ category }) => category === undefined || category === 'knee_ap')).toBe(true);
});

test('a change is told once, and is there until somebody accepts it; then the past is new', async () => {
  see(500, 0.05);
  see(200, 0.7);
  const signals = found.filter(({ category }) => category === undefined).map(({ signal }) => signal);
  expect(signals).toEqual([...new Set(signals)]);
  expect(drift.changes.length).toBe(found.length);
  await drift.accept('ROOM1');
  expect(drift.changes).toEqual([]);
  found = [];
  see(1000, 0.7);
  expect(found).toEqual([]);
  see(200, 0.98);
  expect(found.map(({ signal }) => signal)).toContain('unsure');
  await expect(drift.accept('ROOM9')).rejects.toMatchObject({ code: 'drift_unknown' });
});

test('a person who corrects more and more is noticed', () => {
  const verdict = (isRight: boolean) => {
    const seen = picture();
    const by = { who: 'alice', when: seen.record.when };
    const record = { ...seen.record, ...corrected(seen.record, isRight ? 'knee_ap' : 'hand_ap', by) };
    drift.recorded({ ...seen, record, previous: seen.record });
  };
  const random = seeded(3);
  for (let n = 0; n < 500; n++) verdict(random() > 0.03);
  expect(found).toEqual([]);
  for (let n = 0; n < 60; n++) verdict(random() > 0.5);
  expect(found.map(({ signal }) => signal)).toContain('corrected');
});

test('what was seen outlasts a stop', async () => {
  see(400, 0.05);
  await drift.stop();
  drift = await open();
  see(60, 0.7);
  expect(found.map(({ signal }) => signal)).toContain('unsure');
  const before = drift.changes;
  await drift.stop();
  expect((await open()).changes).toEqual(before);
});

test('a network in int8 is compared with its own past', async () => {
  see(500, 0.05);
  drift = await Drift.open(new FolderStore(folder), () => `${network.repeat(64)} int8`, log);
  drift.events.on('changed', (change) => found.push(change));
  const inInt8 = (isUnsure: boolean) => {
    const seen = picture({ isUnsure });
    const of = { ...seen.record.network, precision: 'int8' as const };
    drift.recorded({ ...seen, record: { ...seen.record, network: of } });
  };
  for (let i = 0; i < 400; i++) inInt8(i % 10 < 7);
  expect(found).toEqual([]);
  for (let i = 0; i < 100; i++) inInt8(true);
  expect(found.map(({ signal }) => signal)).toContain('unsure');
});

test('another network is compared with its own past; what is said of a former one counts nothing', () => {
  see(500, 0.05);
  network = 'b';
  see(400, 0.7);
  expect(found).toEqual([]);
  const late = picture({ by: 'a' });
  const by = { who: 'alice', when: late.record.when };
  const verdict = { ...late.record, ...corrected(late.record, 'hand_ap', by) };
  drift.recorded(late);
  drift.recorded({ ...late, record: verdict, previous: late.record });
  see(100, 0.99);
  expect(found.map(({ signal }) => signal)).toContain('unsure');
  drift.recorded({ ...late, record: verdict, previous: late.record });
  expect(drift.changes.length).toBe(found.length);
});

test('an archive that is looked through says nothing of today', () => {
  see(500, 0.05);
  for (let n = 0; n < 200; n++) {
    const seen = picture({ isUnsure: true });
    drift.recorded({ ...seen, receivedMs: Date.parse(seen.record.when) - 3 * 86_400_000 });
  }
  expect(found).toEqual([]);
});

test('a category may have any name', () => {
  for (const category of ['constructor', '__proto__', 'toString']) see(20, 0.5, { category });
  expect(found).toEqual([]);
});

test('a study of many alike pictures, a picture decided anew, and one without a station tell nothing', () => {
  see(500, 0.05);
  for (let n = 0; n < 100; n++) drift.recorded(picture({ isUnsure: true, study: 7_000_000 }));
  for (let n = 0; n < 100; n++) {
    const seen = picture({ isUnsure: true });
    drift.recorded({ ...seen, previous: decision() });
  }
  for (let n = 0; n < 100; n++) {
    const seen = picture({ isUnsure: true });
    drift.recorded({ ...seen, record: { ...seen.record, exposure: undefined } });
  }
  expect(found).toEqual([]);
});

test('the webhook is told of each change once, also where it was away', async () => {
  const receiver = await new Listener().listen();
  receiver.answer = { status: 503, body: '' };
  const webhook = { url: receiver.url, secret: Buffer.alloc(32, 1) };
  const notifier = new Notifier(drift, webhook, log, 20);
  notifier.start();
  see(500, 0.05);
  see(60, 0.7);
  await waitFor(() => receiver.requests.length > 1);
  receiver.answer = { status: 204, body: '' };
  await waitFor(() => drift.changes.every(({ told }) => told));
  await notifier.stop();
  const ids = receiver.requests.map(({ headers }) => headers['webhook-id']);
  expect(new Set(ids).size).toBe(found.length);
  const body = JSON.parse(receiver.requests.at(-1)?.body ?? '');
  expect(body).toMatchObject({
    type: 'radiograph.drift',
    data: { station: 'ROOM1', now: expect.any(Number) },
  });
  // After a restart nothing is told again.
  const told = receiver.requests.length;
  await drift.stop();
  drift = await open();
  const next = new Notifier(drift, webhook, log, 20);
  next.start();
  await next.stop();
  expect(receiver.requests).toHaveLength(told);
  await receiver.close();
});
