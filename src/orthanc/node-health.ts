import { EventEmitter } from 'node:events';
import type { Config } from '../config/options.js';
import { asPlainviewError, createError, type PlainviewError } from '../errors/errors.js';
import { isFastByUid, requireCapabilities, rereadsReplaced, tagsNeedNewer } from './capabilities.js';
import { Changes } from './changes.js';
import { nodeOf } from './node.js';
import type { Member } from './node-choice.js';
import { type System, system } from './resources.js';
import { Transport, type TransportOptions } from './transport.js';

/** How an outage is noticed while nothing calls Orthanc. */
export interface Heartbeat {
  /** Between two health checks, milliseconds. */
  everyMs: number;
  /** Shortest time-out of a health check, milliseconds. It is longer where the site set a long time-out. */
  timeoutMs: number;
}

interface Watched {
  member: Member;
  /** Its own connection, so that a health check never waits behind another call. */
  transport: Transport;
  checking?: Promise<System> | undefined;
  /** Whether it had another database than the nodes before it when they were compared last. */
  isForeign?: boolean;
}

export interface NodeState {
  url: string;
  answers: boolean;
  readOnly: boolean;
  problem?: string;
}

/** Asks the nodes whether they answer, and of several whether Plainview can work with each. */
export class NodeHealth {
  /** Of several nodes, one answers or no longer does. */
  readonly events = new EventEmitter<{ back: [string]; away: [string, PlainviewError] }>();
  readonly #transport: Transport;
  readonly #options: Partial<Pick<Config, 'tags'>>;
  readonly #watched: readonly Watched[];

  constructor(
    transport: Transport,
    options: TransportOptions & Partial<Pick<Config, 'tags'>>,
    heartbeat: Heartbeat,
  ) {
    this.#transport = transport;
    this.#options = options;
    this.#watched = transport.choice.members.map((member) => ({
      member,
      // A check is repeated once, because an Orthanc that works may be slow once.
      transport: new Transport({
        ...options,
        orthancUrl: [member.node.url],
        orthancConnections: 1,
        orthancRate: 0,
        orthancRetries: 1,
        orthancTimeoutMs: Math.max(heartbeat.timeoutMs, Math.round(options.orthancTimeoutMs / 6)),
      }),
    }));
    transport.choice.restMs = heartbeat.everyMs;
    if (this.#watched.length > 1) {
      let asked: Promise<unknown> | undefined;
      transport.choice.ready = () => {
        asked ??= Promise.allSettled(this.#watched.map((each) => this.#check(each)));
        return asked;
      };
    }
  }

  get states(): NodeState[] {
    return this.#watched.map(({ member: { node, isReadOnly, problem } }) => ({
      url: node.url,
      answers: problem === undefined,
      readOnly: isReadOnly,
      ...(problem === undefined ? {} : { problem: problem.message }),
    }));
  }

  /**
   * Of several nodes, one that answers and can be written to suffices.
   * @throws the error of the first node where none does
   */
  async check(): Promise<System> {
    const [only, ...others] = this.#watched;
    if (only !== undefined && others.length === 0) return systemOf(only);
    const writable = async (watched: Watched) => {
      const answer = await this.#check(watched);
      if (answer.ReadOnly) requireCapabilities(answer, { tags: 'off' });
      return answer;
    };
    return Promise.any(this.#watched.map(writable)).catch(({ errors: [first] }: AggregateError) => {
      throw first;
    });
  }

  /** Whether the node at which this call failed answers at this moment, and has run for longer than that. */
  async hasRunFor(error: PlainviewError, ms: number): Promise<boolean | 'unknown'> {
    const at = this.#at(error);
    if (at === undefined) return 'unknown';
    try {
      const { body } = await at.transport.once({ method: 'GET', url: '/tools/metrics-prometheus' });
      const upTime = /^orthanc_up_time_s (\d+)/m.exec(body.toString('utf8'))?.[1];
      // Whole seconds: the next one may be as good as over.
      return upTime === undefined ? 'unknown' : Number(upTime) * 1000 > ms + 1000;
    } catch (error) {
      return ['orthanc_unreachable', 'orthanc_timeout'].includes(asPlainviewError(error).code)
        ? false
        : 'unknown';
    }
  }

  /**
   * Of several nodes, the one at which a call failed may have lost the database alone. Then its answers say nothing about an
   * instance, and it must not be asked again at once.
   */
  async lookAfter(error: PlainviewError): Promise<void> {
    const at = this.#at(error);
    if (at !== undefined && this.#watched.length > 1) await Promise.allSettled([this.#check(at)]);
  }

  close(): void {
    for (const { transport } of this.#watched) transport.close();
  }

  #at(error: PlainviewError): Watched | undefined {
    const url = nodeOf(error);
    return this.#watched.find(({ member }) => member.node.url === url);
  }

  /** There is at most one check of a node at a time. */
  #check(watched: Watched): Promise<System> {
    watched.checking ??= this.#look(watched).finally(() => {
      watched.checking = undefined;
    });
    return watched.checking;
  }

  async #look(watched: Watched): Promise<System> {
    const { member } = watched;
    try {
      const answer = await systemOf(watched);
      const tags = answer.ReadOnly ? 'off' : (this.#options.tags ?? 'off');
      requireCapabilities({ ...answer, ReadOnly: false }, { tags });
      // It would put back what another client has changed in the file at another node.
      if (tags !== 'off' && !rereadsReplaced(answer))
        throw createError('orthanc_not_ready', { missing: [tagsNeedNewer(answer.Version)] });
      await this.#requireSameLog(watched);
      member.isReadOnly = answer.ReadOnly;
      member.mayBeStale = !rereadsReplaced(answer);
      this.#note(member, undefined);
      return answer;
    } catch (caught) {
      this.#note(member, asPlainviewError(caught));
      throw caught;
    }
  }

  #note(member: Member, problem: PlainviewError | undefined): void {
    const before = member.problem;
    if (this.#transport.closed.aborted) return;
    member.problem = problem;
    if (problem === undefined && before !== undefined) this.events.emit('back', member.node.url);
    if (problem !== undefined && problem.message !== before?.message)
      this.events.emit('away', member.node.url, problem);
  }

  /**
   * All nodes must have one database. Each has an identifier of its own, but the oldest entry of the change log is the same.
   * It can change between two questions, so they are repeated. A node is compared with the first one before it that answers.
   */
  async #requireSameLog(watched: Watched): Promise<void> {
    const before = this.#watched.slice(0, this.#watched.indexOf(watched));
    const first = before.find(({ member }) => member.problem === undefined);
    const oldest = async ({ transport }: Watched) => {
      const [entry] = await new Changes(transport).after(0, 1);
      return entry === undefined ? '' : `${entry.seq} ${entry.id}`;
    };
    for (let tries = 0; first !== undefined && tries < 3; tries++) {
      const there = await oldest(first).catch(() => undefined);
      // It is away, and what was found before still counts.
      if (there === undefined) break;
      watched.isForeign = there !== (await oldest(watched));
      if (!watched.isForeign) break;
    }
    if (watched.isForeign !== true) return;
    const missing = [
      'It has another database than the Orthancs before it in PLAINVIEW_ORTHANC_URL: list only Orthancs of one database.',
    ];
    throw createError('orthanc_not_ready', { missing });
  }
}

/** `/system` answers also while the index hangs. The last change is the cheapest question to the index. */
async function systemOf({ member, transport }: Watched): Promise<System> {
  const answer = await transport.json(system, { method: 'GET', url: '/system' });
  await new Changes(transport).last();
  member.isFastByUid = isFastByUid(answer);
  return answer;
}
