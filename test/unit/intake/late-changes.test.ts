import { afterEach, expect, test } from 'vitest';
import { instanceId } from '../../../src/orthanc/ids.js';
import { stubClassifier } from '../../../testkit/classifier.js';
import { discardFollowers, type FollowOptions, MortalFollower } from '../../../testkit/mortal-follower.js';
import { seeded } from '../../../testkit/random.js';
import { startTestService } from '../../../testkit/service.js';
import { type SimulatedLog, SimulatedOrthanc } from '../../../testkit/simulated-orthanc.js';
import { waitFor } from '../../../testkit/wait-for.js';

let ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
  discardFollowers();
});

/**
 * A log whose numbers are drawn in ascending order and become visible in another one. Some never do. It goes on with each
 * page that is read.
 */
class LateLog implements SimulatedLog {
  readonly #random: () => number;
  /** The numbers in the order in which they become visible. */
  readonly #order: number[];
  readonly #visible: number[] = [];
  pages = 0;
  /** Called after each page. */
  onPage: () => void = () => undefined;

  constructor(count: number, random: () => number) {
    this.#random = random;
    this.#order = Array.from({ length: count }, (_, index) => index + 1)
      .filter(() => random() > 0.1)
      .map((seq) => ({ seq, at: seq + (random() < 0.25 ? random() * 300 : 0) }))
      .sort((one, other) => one.at - other.at)
      .map(({ seq }) => seq);
  }

  /** All numbers that ever become visible. */
  get committed(): number[] {
    return [...this.#visible, ...this.#order];
  }

  get isComplete(): boolean {
    return this.#order.length === 0;
  }

  /** Entries that become visible after a higher one. */
  get late(): number {
    let highest = 0;
    return this.committed.filter((seq) => {
      const isLate = seq < highest;
      highest = Math.max(highest, seq);
      return isLate;
    }).length;
  }

  async page(since: number | 'last', limit: number) {
    this.pages++;
    const sorted = [...this.#visible].sort((one, other) => one - other);
    const after = since === 'last' ? sorted.slice(-1) : sorted.filter((seq) => seq > since);
    const entries = after.slice(0, limit).map((seq) => ({ seq, instance: seq }));
    const page = { entries, done: after.length <= limit, last: this.#visible.at(-1) ?? 0 };
    this.#visible.push(...this.#order.splice(0, Math.floor(this.#random() * 40)));
    this.onPage();
    return page;
  }
}

async function serve(count: number, log: SimulatedLog) {
  const orthanc = new SimulatedOrthanc(count, log);
  const url = await orthanc.listen();
  ends.push(orthanc.close);
  const ids = orthanc.instances().map((id) => instanceId.parse(id));
  const idOf = (seq: number) => ids[seq - 1] ?? instanceId.parse('');
  return { url, idOf };
}

async function follow(options: FollowOptions) {
  const follower = await MortalFollower.start(options);
  ends.push(() => follower.end());
  return follower;
}

test.each([1, 2])(
  'thousands of late entries are all found, with kills in between (seed %i)',
  async (seed) => {
    const random = seeded(seed);
    const log = new LateLog(8000, random);
    const { url, idOf } = await serve(8000, log);
    const decided: FollowOptions['decided'] = new Set();
    const options = { url, decided, jobMs: () => random() * 10 };
    expect(log.late).toBeGreaterThan(1000);
    let follower = await follow(options);
    let late = 0;
    for (let kills = 0; kills < 12; kills++) {
      let pages = Math.floor(random() * 60);
      await new Promise<void>((resolve) => {
        log.onPage = () => {
          if (pages-- === 0) resolve();
        };
      });
      const stateDir = await follower.kill();
      late += follower.late;
      follower = await follow({ ...options, stateDir });
    }
    await waitFor(() => log.isComplete && log.committed.every((seq) => decided.has(idOf(seq))), {
      what: 'all decisions',
    });
    expect(decided.size).toBe(log.committed.length);
    expect(late + follower.late).toBeGreaterThan(0);
  },
);

test('the service decides an instance whose entry comes late, and its metrics show that', async () => {
  const visible = [1, 3];
  const orthanc = new SimulatedOrthanc(3, {
    page: async (since, limit) => {
      const after = visible.filter((seq) => since === 'last' || seq > since).sort();
      const entries = (since === 'last' ? after.slice(-1) : after.slice(0, limit)).map((seq) => ({
        seq,
        instance: seq,
      }));
      return { entries, done: true, last: 3 };
    },
  });
  ends.push(orthanc.close);
  const service = await startTestService({
    orthanc: await orthanc.listen(),
    classifier: stubClassifier(),
    fromStart: true,
  });
  ends.push(service.stop);
  const gauge = async (name: string) =>
    Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await service.metrics())?.[1]);
  await waitFor(() => orthanc.decided === 2, { what: 'the first decisions' });
  expect(await gauge('plainview_change_log_open_gaps')).toBe(1);
  expect(await gauge('plainview_changes_late_total')).toBe(0);
  visible.push(2);
  await waitFor(() => orthanc.decided === 3, { what: 'the late decision' });
  await waitFor(async () => (await gauge('plainview_changes_late_total')) === 1);
  expect(await gauge('plainview_change_log_open_gaps')).toBe(0);
});
