import { setTimeout as delay } from 'node:timers/promises';
import { callApi } from '../testkit/api.js';
import type { Nodes } from '../testkit/nodes.js';
import { Reader } from '../testkit/service.js';
import type { ServiceProcess } from '../testkit/service-process.js';
import type { TestInstance } from './test-instances.js';

/** How often a person tries, and how long they wait in between. */
const tries = 10;
const pauseMs = 1000;
const categories = ['wrist_ap', 'pelvis_ap', 'hand_ap'];

interface Options {
  /** An Orthanc to read from; each may be away. */
  urls: readonly string[];
  /** Any of them is asked, by chance. */
  services: readonly ServiceProcess[];
  stored: ReadonlyMap<string, TestInstance>;
  random: () => number;
}

/** People who correct decided instances, each once, whatever ends meanwhile. */
export class Corrections {
  /** Instance → category, where the correction was accepted. */
  readonly accepted = new Map<string, string>();
  /** Number of answers by status, and of those that did not come. */
  readonly answers: Record<string, number> = {};
  readonly #options: Options;
  /** Whether one stands that was never accepted, nobody was told. */
  readonly #tried = new Set<string>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Begins a correction every now and then, and does not wait for its end. @returns when all have ended */
  async run(count: number, until: AbortSignal): Promise<void> {
    const { random } = this.#options;
    const open: Promise<void>[] = [];
    while (this.#tried.size < count && !until.aborted) {
      await delay(100 + 500 * random());
      const id = this.#choose();
      if (id !== undefined) open.push(this.#correct(id, until));
    }
    await Promise.all(open);
  }

  /** @returns a sentence for each accepted one that does not stand */
  async lost(url: string): Promise<string[]> {
    const lost: string[] = [];
    for (const [id, category] of this.accepted) {
      const record = await new Reader(url).record(id);
      if (record?.who !== 'person' || record.category !== category)
        lost.push(`the correction of ${id} to ${category} was accepted, and is lost: ${record?.category}`);
    }
    return lost;
  }

  #choose(): string | undefined {
    const { stored, random } = this.#options;
    const candidates = [...stored].filter(
      ([id, { expected }]) => expected === 'decided' && !this.#tried.has(id),
    );
    return candidates[Math.floor(random() * candidates.length)]?.[0];
  }

  async #correct(id: string, until: AbortSignal): Promise<void> {
    const { urls, random } = this.#options;
    const url = urls[Math.floor(random() * urls.length)] ?? '';
    const of = await new Reader(url).record(id).then(
      (record) => record?.when,
      () => undefined,
    );
    if (of === undefined || this.#tried.has(id)) return;
    this.#tried.add(id);
    const category = categories[Math.floor(random() * categories.length)] ?? '';
    for (let left = tries; left > 0 && !until.aborted; left--) {
      const status = await this.#ask(id, { category, of });
      this.answers[status] = (this.answers[status] ?? 0) + 1;
      if (status === 200 || status === 202) this.accepted.set(id, category);
      // 409: it stands already, if it was not answered before.
      if (typeof status === 'number' && status < 500) return;
      await delay(pauseMs);
    }
  }

  async #ask(id: string, body: { category: string; of: string }): Promise<number | 'no answer'> {
    const { services, random } = this.#options;
    const service = services[Math.floor(random() * services.length)];
    if (service === undefined) return 'no answer';
    return callApi(service, 'PUT', `/instances/${id}/decision`, { body }).then(
      ({ status }) => status,
      () => 'no answer',
    );
  }
}

/** @returns a sentence for each instance that was decided twice differently, or whose correction was overwritten */
export function contradictions(written: Awaited<ReturnType<Nodes['recordsWritten']>>): string[] {
  const byInstance = new Map<string, typeof written>();
  for (const each of written) byInstance.set(each.instance, [...(byInstance.get(each.instance) ?? []), each]);
  return [...byInstance].flatMap(([instance, records]) => {
    const by = (who: string) => [
      ...new Set(
        records
          .filter(({ record }) => record.who === who)
          .map(({ record }) => `${record.decision} ${record.category}`),
      ),
    ];
    const found: string[] = [];
    for (const who of ['network', 'person'])
      if (by(who).length > 1)
        found.push(`instance ${instance}: the ${who} decided ${by(who).join(', then ')}`);
    const first = records.findIndex(({ record }) => record.who === 'person');
    if (first >= 0 && records.slice(first).some(({ record }) => record.who === 'network'))
      found.push(`instance ${instance}: the network overwrote what a person decided`);
    return found;
  });
}
