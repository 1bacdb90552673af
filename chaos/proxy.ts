import { setTimeout as delay } from 'node:timers/promises';
import { startFaultyProxy, type Verdict } from '../testkit/faulty-proxy.js';

/** What can become of a request, and how many of a thousand it meets. */
const fates = {
  /** Cut before Orthanc saw it. */
  lost: 15,
  /** Orthanc did it, but the answer never comes. */
  unanswered: 15,
  /** The answer breaks off in its middle. */
  truncated: 15,
  delayed: 40,
  /** Sent to Orthanc twice. */
  replayed: 40,
  /** Sent on only after the client has given up and asked again. */
  late: 3,
  /** A proxy's own answer. */
  unavailable: 15,
} as const;
export type Fate = keyof typeof fates;
const names = Object.keys(fates) as Fate[];

export interface BadProxy {
  url: string;
  /** Requests so far. */
  requests: () => number;
  /** How many met each fate. */
  met: Record<Fate, number>;
  stop(): Promise<void>;
}

/**
 * A proxy between the service and Orthanc on a bad network.
 * @param lateMs longer than the client's time-out
 */
export async function startBadProxy(
  orthanc: string,
  random: () => number,
  lateMs: number,
): Promise<BadProxy> {
  const proxy = await startFaultyProxy(orthanc);
  const met = Object.fromEntries(names.map((name) => [name, 0])) as Record<Fate, number>;
  const verdicts: Record<Fate, () => Verdict> = {
    lost: () => 'cut',
    unanswered: () => async (forward) => {
      await forward();
      return 'cut';
    },
    truncated: () => ({ breakOffAt: random() }),
    delayed: () => async () => {
      await delay(50 + 500 * random());
      return 'pass';
    },
    replayed: () => async (forward) => {
      await forward();
      await forward();
      return 'pass';
    },
    late: () => async () => {
      await delay(lateMs);
      return 'pass';
    },
    unavailable: () => 503,
  };
  proxy.judge = () => {
    const fate = chosen(random);
    if (fate === undefined) return 'pass';
    met[fate]++;
    return verdicts[fate]();
  };
  return { url: proxy.url, requests: () => proxy.calls.length, met, stop: proxy.stop };
}

function chosen(random: () => number): Fate | undefined {
  let chance = 1000 * random();
  return names.find((name) => {
    chance -= fates[name];
    return chance < 0;
  });
}
