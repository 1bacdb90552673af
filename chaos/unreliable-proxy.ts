import { setTimeout as delay } from 'node:timers/promises';
import { type ProxyAction, startFaultyProxy } from '../testkit/faulty-proxy.js';

/** What can become of a request, and how many of a thousand it meets. */
const faultRates = {
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
export type Fault = keyof typeof faultRates;
const names = Object.keys(faultRates) as Fault[];

export interface UnreliableProxy {
  url: string;
  /** Requests so far. */
  requests: () => number;
  /** How many counts each fate. */
  counts: Record<Fault, number>;
  stop(): Promise<void>;
}

/**
 * A proxy between the service and Orthanc on a bad network.
 * @param lateMs longer than the client's time-out
 */
export async function startUnreliableProxy(
  orthanc: string,
  random: () => number,
  lateMs: number,
): Promise<UnreliableProxy> {
  const proxy = await startFaultyProxy(orthanc);
  const counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<Fault, number>;
  const verdicts: Record<Fault, () => ProxyAction> = {
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
  proxy.decide = () => {
    const fate = chosen(random);
    if (fate === undefined) return 'pass';
    counts[fate]++;
    return verdicts[fate]();
  };
  return { url: proxy.url, requests: () => proxy.calls.length, counts, stop: proxy.stop };
}

function chosen(random: () => number): Fault | undefined {
  let chance = 1000 * random();
  return names.find((name) => {
    chance -= faultRates[name];
    return chance < 0;
  });
}
