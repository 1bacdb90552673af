import { setTimeout as delay } from 'node:timers/promises';
import { type ProxyAction, startFaultyProxy } from '../testkit/faulty-proxy.js';

/** Faults, and how many of a thousand requests have each. */
const faultRates = {
  /** The connection is cut before Orthanc receives the request. */
  lost: 15,
  /** Orthanc carries out the request, but the response is lost. */
  unanswered: 15,
  /** The response breaks off. */
  truncated: 15,
  delayed: 40,
  /** Sent to Orthanc twice. */
  replayed: 40,
  /** Sent to Orthanc only after the client's time-out and repeat. */
  late: 3,
  /** The proxy answers 503. */
  unavailable: 15,
} as const;
export type Fault = keyof typeof faultRates;
const names = Object.keys(faultRates) as Fault[];

export interface UnreliableProxy {
  url: string;
  /** Requests so far. */
  requests: () => number;
  /** Number of requests with each fault. */
  counts: Record<Fault, number>;
  stop(): Promise<void>;
}

/**
 * Starts a proxy that behaves like an unreliable network.
 * @param lateMs delay of late requests; longer than the client's time-out
 */
export async function startUnreliableProxy(
  orthanc: string,
  random: () => number,
  lateMs: number,
): Promise<UnreliableProxy> {
  const proxy = await startFaultyProxy(orthanc);
  const counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<Fault, number>;
  const actions: Record<Fault, () => ProxyAction> = {
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
    const fault = chooseFault(random);
    if (fault === undefined) return 'pass';
    counts[fault]++;
    return actions[fault]();
  };
  return { url: proxy.url, requests: () => proxy.calls.length, counts, stop: proxy.stop };
}

function chooseFault(random: () => number): Fault | undefined {
  let chance = 1000 * random();
  return names.find((name) => {
    chance -= faultRates[name];
    return chance < 0;
  });
}
