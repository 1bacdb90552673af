import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { confirmed, corrected, undone } from '../../../src/decisions/correction.js';
import type { NewDecision } from '../../../src/decisions/schema.js';
import type { InstanceId } from '../../../src/orthanc/ids.js';
import { Statistics } from '../../../src/statistics/statistics.js';
import { FolderStore } from '../../../src/store/folder-store.js';
import { image, uid } from '../../../testkit/dicom.js';
import { decidedAs, type Process, silent, useFakeSite } from '../../../testkit/fake-site.js';
import { waitFor } from '../../../testkit/wait-for.js';

/** A Sunday; the day before it is the other of two. */
const now = new Date('2024-03-10T15:30:00.000Z');
const at = (time: string) => `2024-03-10T${time}:00.000Z`;
beforeEach(() => {
  // Timers stay real: connections need them.
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now });
});
afterEach(() => {
  vi.useRealTimers();
});

const site = useFakeSite();
const running: Statistics[] = [];
afterEach(async () => {
  for (const each of running.splice(0)) await each.stop();
});

/** The statistics of a process that starts now, told of what it records. */
async function start() {
  const process = site.process();
  const { orthanc, config, recorder } = process;
  const pauses: number[] = [];
  const sleep = async (ms: number) => {
    pauses.push(ms);
  };
  const statistics = await Statistics.open({
    ...config,
    classifier: { network: { sha256: 'a'.repeat(64), classes: [] } },
    store: new FolderStore(config.stateDir),
    orthanc,
    log: silent,
    sleep,
  });
  recorder.events.on('recorded', (recorded) => statistics.recorded(recorded));
  running.push(statistics);
  const of = (days = 1) => statistics.of(days);
  return {
    ...process,
    pauses,
    of,
    /** Once all that is in Orthanc has been counted. */
    complete: async (days = 1) => {
      await waitFor(async () => (await of(days)).complete);
      return of(days);
    },
    stop: async () => {
      running.splice(running.indexOf(statistics), 1);
      await statistics.stop();
    },
    /** As a kill: it writes nothing any more. */
    kill: () => running.splice(running.indexOf(statistics), 1),
  };
}

async function decide(
  { recorder, orthanc }: Process,
  decided: NewDecision,
  id = site.store(image()).instance,
): Promise<InstanceId> {
  const before = await orthanc.hierarchy.instance(id);
  await recorder.record(await orthanc.hierarchy.describe(id), before, decided);
  return id;
}

const by = (time: string) => ({ who: 'alice', when: at(time) });
const correct = ({ recorder }: Process, id: InstanceId, category: string, time: string) =>
  recorder.replace(id, (current) => corrected(current, category, by(time)));
const confirm = ({ recorder }: Process, id: InstanceId, time: string) =>
  recorder.replace(id, (current) => confirmed(current, by(time)));
const undo = ({ recorder }: Process, id: InstanceId) => recorder.replace(id, undone);

const file = () => join(site.stateDir, 'statistics.json');
/** How often pages of all instances were asked for. */
const counts = () => site.fake.calls.filter(({ path }) => path === '/tools/find').length;
const agreement = ({ agreement: [first] }: Awaited<ReturnType<Statistics['of']>>) =>
  first && { confirmed: first.confirmed, corrected: first.corrected, unsure: first.unsure };

describe('statistics', () => {
  test('count what is recorded, by hour, decision and category', async () => {
    const service = await start();
    await service.complete();
    await decide(service, decidedAs('knee_ap', { when: at('14:00') }));
    await decide(service, decidedAs('knee_ap', { when: at('14:59') }));
    await decide(service, decidedAs('hand_ap', { when: at('15:00') }));
    await decide(service, { ...decidedAs('hand_ap', { when: at('15:10') }), decision: 'needs_review' });
    const answer = await service.of();
    const decided = new Map(answer.throughput.map(({ at: hour, decided: count }) => [hour, count]));
    expect([decided.get(at('13:00')), decided.get(at('14:00')), decided.get(at('15:00'))]).toEqual([0, 2, 2]);
    expect(answer.decisions).toMatchObject([{ category: 3, needs_review: 1, unknown_view: 0, failed: 0 }]);
  });

  test('count what people say once, and take it back with an undo', async () => {
    const service = await start();
    await service.complete();
    const right = await decide(service, decidedAs('knee_ap', { when: at('10:00') }));
    const wrong = await decide(service, decidedAs('knee_ap', { when: at('10:00') }));
    await confirm(service, right, '11:00');
    await correct(service, wrong, 'hand_ap', '11:00');
    await correct(service, wrong, 'elbow_ap', '11:05');
    const unsure = { confirmed: 0, corrected: 0 };
    expect(agreement(await service.of())).toEqual({ confirmed: 1, corrected: 1, unsure });
    expect((await service.of()).agreement[0]?.categories).toEqual([
      {
        category: 'knee_ap',
        confirmed: 1,
        corrected: 1,
        insteadOf: [{ category: 'elbow_ap', count: 1 }],
      },
    ]);
    await undo(service, wrong);
    expect(agreement(await service.of())).toEqual({ confirmed: 1, corrected: 0, unsure });
    expect((await service.of()).decisions).toMatchObject([{ category: 2 }]);
    await undo(service, right);
    expect(agreement(await service.of())).toBeUndefined();
  });

  test('tell how many wait for people; Orthanc is asked again after a while', async () => {
    const service = await start();
    await service.complete();
    const { instance } = site.store(image());
    await site.put(`instances/${instance}/labels/needs_review`);
    expect((await service.of()).backlog).toMatchObject({ needs_review: 0 });
    vi.advanceTimersByTime(5001);
    expect((await service.of()).backlog).toMatchObject({ needs_review: 1, unknown_view: 0 });
  });

  test('fail where Orthanc cannot be asked, and are told once it can be', async () => {
    const service = await start();
    site.fake.intercept = ({ path }) =>
      path === '/tools/count-resources' ? { status: 503, body: '' } : undefined;
    await expect(service.of()).rejects.toMatchObject({ code: 'orthanc_unreachable' });
    site.fake.intercept = () => undefined;
    expect((await service.of()).backlog).toMatchObject({ needs_review: 0 });
  });
});

describe('where nothing was kept', () => {
  test('all that is in Orthanc is counted, and the same results as if it had been counted one by one', async () => {
    const first = await start();
    await first.complete();
    const knee = () => decide(first, decidedAs('knee_ap', { when: at('10:00') }));
    await confirm(first, await knee(), '11:00');
    await correct(first, await knee(), 'elbow_ap', '12:00');
    await knee();
    await site.put(`instances/${site.store(image()).instance}/metadata/Radiograph`, '{"version": 1');
    const one = await first.of(7);
    await first.stop();
    writeFileSync(file(), '{"version": 1, "days"');
    expect(await (await start()).complete(7)).toEqual(one);
  });

  test('nothing is asked before somebody wants to know', async () => {
    const service = await start();
    await decide(service, decidedAs('knee_ap', { when: at('10:00') }));
    expect(counts()).toBe(0);
    expect((await service.complete()).decisions).toMatchObject([{ category: 1 }]);
    expect(counts()).toBeGreaterThan(0);
  });

  test('what is decided while they are counted counts once', async () => {
    const service = await start();
    const old = await decide(service, decidedAs('knee_ap', { when: at('10:00') }));
    const held = site.fake.hold(({ path }) => path === '/tools/find');
    expect((await service.of()).complete).toBe(false);
    await held.reached;
    // After the counting began, and before Orthanc answers.
    await decide(service, decidedAs('hand_ap', { when: at('15:31') }));
    await correct(service, old, 'elbow_ap', '15:31');
    held.release();
    const answer = await service.complete();
    expect(answer.decisions).toMatchObject([{ category: 2 }]);
    expect(agreement(answer)).toMatchObject({ corrected: 1 });
  });

  test('an outage is waited for, and what was counted before it counts once', async () => {
    const service = await start();
    await decide(service, decidedAs('knee_ap', { when: at('10:00') }));
    let outages = 2;
    site.fake.intercept = ({ path }) => (path === '/tools/find' && outages-- > 0 ? 'cut' : undefined);
    expect((await service.complete()).decisions).toMatchObject([{ category: 1 }]);
    expect(service.pauses).toEqual([5000, 5000, 100]);
  });

  test('what can never be answered is not asked for again and again, and is no complete count', async () => {
    const service = await start();
    site.fake.intercept = ({ path }) => (path === '/tools/find' ? { status: 400, body: '' } : undefined);
    await service.of();
    await waitFor(() => counts() === 1);
    await service.stop();
    expect({ counts: counts(), pauses: service.pauses }).toEqual({ counts: 1, pauses: [] });
    expect((await service.of()).complete).toBe(false);
    expect(existsSync(file())).toBe(false);
  });

  test('a stop while they are counted keeps no part: the next start counts all', async () => {
    const first = await start();
    await decide(first, decidedAs('knee_ap', { when: at('10:00') }));
    const held = site.fake.hold(({ path }) => path === '/tools/find');
    await first.of();
    await held.reached;
    const stopped = first.stop();
    site.fake.intercept = ({ path }) => (path === '/tools/find' ? 'cut' : undefined);
    held.release();
    await stopped;
    expect(existsSync(file())).toBe(false);
    site.fake.intercept = () => undefined;
    expect((await (await start()).complete()).decisions).toMatchObject([{ category: 1 }]);
  });
});

describe('what was counted', () => {
  test('is kept over a stop, for its owner alone, and not counted again', async () => {
    const first = await start();
    await first.complete();
    const id = await decide(first, decidedAs('knee_ap', { when: at('10:00') }));
    await correct(first, id, 'hand_ap', '11:00');
    const before = await first.of(30);
    await first.stop();
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    site.fake.calls.length = 0;
    const next = await start();
    expect(await next.of(30)).toEqual(before);
    expect(counts()).toBe(0);
  });

  test('of people is written at once: a kill loses none of it', async () => {
    const first = await start();
    await first.complete();
    const [one, two] = [
      await decide(first, decidedAs('knee_ap', { when: at('10:00') })),
      await decide(first, decidedAs('hand_ap', { when: at('10:00') })),
    ];
    const saved = () => readFileSync(file(), 'utf8');
    const isWritten = (isIn: string) => waitFor(() => saved().includes(isIn));
    await correct(first, one, 'elbow_ap', '11:00');
    await isWritten('"knee_ap":{"elbow_ap":1}');
    await confirm(first, two, '11:00');
    await isWritten('"hand_ap":{"hand_ap":1}');
    await undo(first, one);
    await waitFor(() => !saved().includes('elbow_ap'));
    const before = await first.of();
    first.kill();
    expect(await (await start()).of()).toEqual(before);
  });
});

describe('one exposure that is stored raw and for presentation', () => {
  const event = uid('one exposure');
  const studyInstanceUid = uid('study of one exposure');
  const stored = (intent: 'FOR PROCESSING' | 'FOR PRESENTATION', irradiation = event) =>
    site.store(
      image({
        studyInstanceUid,
        attributes: { '0008,0068': ['CS', intent], '0008,3010': ['UI', irradiation] },
      }),
    ).instance;
  const knee = decidedAs('knee_ap', { when: at('14:00') });
  const hand = decidedAs('hand_ap', { when: at('14:10') });
  const figures = ({ categories, decisions, throughput }: Awaited<ReturnType<Statistics['of']>>) => ({
    categories: categories.map(({ category, total }) => `${category} ${total}`),
    decided: decisions.map(({ category }) => category),
    hours: throughput.reduce((sum, { decided }) => sum + decided, 0),
  });
  const once = { categories: ['hand_ap 1'], decided: [1], hours: 1 };

  test.each(['raw first', 'raw last'])(
    'is counted once, as the picture for presentation: %s',
    async (order) => {
      const service = await start();
      await service.complete();
      const pictures = [
        { id: stored('FOR PROCESSING'), decided: knee },
        { id: stored('FOR PRESENTATION'), decided: hand },
      ];
      for (const { id, decided } of order === 'raw first' ? pictures : pictures.toReversed())
        await decide(service, decided, id);
      expect(figures(await service.of())).toEqual(once);
      // Other exposures of the study are counted.
      await decide(service, knee, stored('FOR PROCESSING', uid('another exposure')));
      expect(figures(await service.of())).toMatchObject({ decided: [2] });
    },
  );

  test('is counted once also where the service restarts in between, and decides again', async () => {
    const [raw, shown] = [stored('FOR PROCESSING'), stored('FOR PRESENTATION')];
    const first = await start();
    await first.complete();
    await decide(first, knee, raw);
    await first.stop();
    vi.setSystemTime(now.getTime() + 60_000);
    const second = await start();
    await decide(second, { ...hand, when: at('15:31') }, shown);
    expect(figures(await second.of())).toEqual(once);
    await second.stop();
    vi.setSystemTime(now.getTime() + 120_000);
    const third = await start();
    await decide(third, { ...knee, when: at('15:32') }, raw);
    expect(figures(await third.of())).toEqual(once);
    await correct(third, raw, 'elbow_ap', '15:33');
    expect((await third.of()).agreement).toEqual([]);
    await correct(third, shown, 'elbow_ap', '15:34');
    expect(agreement(await third.of())).toMatchObject({ confirmed: 0, corrected: 1 });
  });

  test('is counted once by a recount, whichever picture it meets first', async () => {
    for (const pair of [1, 2, 3, 4, 5, 6]) {
      const of = uid(`exposure ${pair}`);
      await decide(site.process(), knee, stored('FOR PROCESSING', of));
      await decide(site.process(), hand, stored('FOR PRESENTATION', of));
    }
    expect(figures(await (await start()).complete())).toEqual({
      categories: ['hand_ap 6'],
      decided: [6],
      hours: 6,
    });
  });

  test('is counted once where one picture is decided while a recount runs', async () => {
    await decide(site.process(), knee, stored('FOR PROCESSING'));
    const shown = stored('FOR PRESENTATION');
    const service = await start();
    const page = site.fake.hold(({ path }) => path === '/tools/find');
    const asked = service.of();
    await page.reached;
    vi.setSystemTime(now.getTime() + 60_000);
    await decide(service, { ...hand, when: at('15:31') }, shown);
    page.release();
    await asked;
    expect(figures(await service.complete())).toEqual(once);
  });
});
