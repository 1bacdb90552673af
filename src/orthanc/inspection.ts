import { z } from 'zod';
import { hasCode } from '../errors/errors.js';
import { receptionTime } from './dates.js';
import type { Finder } from './finder.js';
import { instanceId } from './ids.js';
import type { Transport } from './transport.js';

const plugin = z.object({ Version: z.string().default('') });
const modality = z
  .object({ MainDicomTags: z.object({ Modality: z.string().default('') }) })
  .transform(({ MainDicomTags }) => MainDicomTags.Modality);

const statistics = z.object({ CountInstances: z.number() });
/** Instances below which every index is fast. */
const leastToTell = 10_000;
const lookupRounds = 10;

/** For `catch`: undefined where this Orthanc does not have it, or does not tell it to this user. */
const ifUntold = (error: unknown): undefined => {
  if (hasCode(error, 'orthanc_absent') || hasCode(error, 'orthanc_refused')) return undefined;
  throw error;
};

/** What an administrator wants to know of an Orthanc. It only reads. */
export class Inspection {
  readonly #transport: Transport;
  readonly #finder: Finder;

  constructor(transport: Transport, finder: Finder) {
    this.#transport = transport;
    this.#finder = finder;
  }

  /** By how many seconds Orthanc's clock is ahead of this one. It tells whole seconds. */
  async clockOffset(): Promise<number | undefined> {
    const asked = Date.now();
    const answer = await this.#transport.call({ method: 'GET', url: '/tools/now' }).catch(ifUntold);
    const answered = Date.now();
    const theirs = answer && receptionTime(answer.body.toString('utf8'));
    // Half a second: what it leaves out, on average.
    return theirs && (theirs + 500 - (asked + answered) / 2) / 1000;
  }

  /** @param name as `/plugins` lists it @returns undefined where there is none, or where it is not told */
  async pluginVersion(name: string): Promise<string | undefined> {
    const url = `/plugins/${encodeURIComponent(name)}`;
    return (await this.#transport.json(plugin, { method: 'GET', url }).catch(ifUntold))?.Version;
  }

  /** HTTP threads that no connection holds now. @returns undefined before Orthanc 1.13.0, and where it is not told */
  async freeHttpThreads(): Promise<number | undefined> {
    const request = { method: 'GET', url: '/tools/metrics-prometheus' };
    const answer = await this.#transport.call(request).catch(ifUntold);
    const [, count] = /^orthanc_available_http_threads_count (\d+)/m.exec(String(answer?.body ?? '')) ?? [];
    return count === undefined ? undefined : Number(count);
  }

  /** `KeepAliveTimeout`, where no proxy is between. */
  async keepAliveSeconds(): Promise<number | undefined> {
    const { headers } = await this.#transport.call({ method: 'GET', url: '/system' });
    const [, seconds] = /timeout=(\d+)/.exec(headers['keep-alive'] ?? '') ?? [];
    return seconds === undefined ? undefined : Number(seconds);
  }

  /**
   * How long calls take: one that names an instance, and one that names none, milliseconds. Of each the fastest of some: the
   * others wait for what else the machine does.
   * @returns undefined of an archive that is too small to tell, or where Orthanc does not count it for this user
   */
  async lookup(): Promise<{ instances: number; ms: number; othersMs: number } | undefined> {
    const request = { method: 'GET', url: '/statistics' };
    const counted = await this.#transport.json(statistics, request).catch(ifUntold);
    if (counted === undefined || counted.CountInstances < leastToTell) return undefined;
    const one = { Level: 'Instance', Query: {}, Limit: 1 };
    const [id] = (await this.#finder.once(instanceId, one).catch(ifUntold)) ?? [];
    if (id === undefined) return undefined;
    const time = async (url: string) => {
      const began = performance.now();
      await this.#transport.call({ method: 'GET', url }).catch(ifUntold);
      return performance.now() - began;
    };
    let [ms, othersMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let n = 0; n < lookupRounds; n++) {
      othersMs = Math.min(othersMs, await time('/changes?last'));
      ms = Math.min(ms, await time(`/instances/${id}/metadata`));
    }
    return { instances: counted.CountInstances, ms, othersMs };
  }

  /** All labels that some resource has. */
  async labelsInUse(): Promise<string[]> {
    const request = { method: 'GET', url: '/tools/labels' };
    return (await this.#transport.json(z.array(z.string()), request).catch(ifUntold)) ?? [];
  }

  /** Modality of each of so many series: of those that were received last, where the database can sort. */
  modalities(limit: number): Promise<string[]> {
    return this.#finder.once(modality, {
      Level: 'Series',
      Query: {},
      Expand: true,
      ResponseContent: ['MainDicomTags'],
      Limit: limit,
      OrderBy: [{ Type: 'Metadata', Key: 'LastUpdate', Direction: 'DESC' }],
    });
  }
}
