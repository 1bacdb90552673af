import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import pRetry from 'p-retry';
import type { z } from 'zod';
import type { Config } from '../config/options.js';
import { createError, type ErrorCode, PlainviewError } from '../errors/errors.js';
import { fileProblem } from '../files/file-problem.js';
import {
  CallFailure,
  describe,
  type NodeOptions,
  OrthancNode,
  type OrthancRequest,
  type OrthancResponse,
} from './node.js';
import { isWrite, type Member, NodeChoice } from './node-choice.js';

export type TransportOptions = NodeOptions &
  Pick<Config, 'orthancUrl' | 'orthancCaFile' | 'orthancRetries'> & {
    /** Throws where this process must change nothing, and have no file read, because others go on without it. */
    confirm?: (() => Promise<void>) | undefined;
  };

/** Errors after which the call is repeated soon. For other transient errors the whole job is tried again later. */
const retriedCodes: ReadonlySet<ErrorCode> = new Set([
  'orthanc_unreachable',
  'orthanc_timeout',
  'orthanc_failed',
  'orthanc_garbage',
]);

/** Causes of a failed call for which Orthanc cannot have received it. */
const neverSent: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** Whether Orthanc may have begun a call that failed: the connection broke, or there was no whole response in time. */
export const mayHaveBegun = ({ code, cause }: PlainviewError): boolean =>
  code === 'orthanc_timeout' ||
  code === 'orthanc_garbage' ||
  (code === 'orthanc_unreachable' && cause instanceof Error && !neverSent.has(cause.cause));

export const isOfOldConnection = ({ cause }: PlainviewError): boolean =>
  cause instanceof CallFailure && cause.oldConnectionBroke;

interface Repeats {
  /** Not repeated where Orthanc may have begun it: the call itself may have stopped Orthanc. */
  ifNotBegun?: boolean;
  /** On a connection of its own. */
  isNew?: boolean;
  /** It keeps a node busy: such calls are spread over the nodes. */
  isHeavy?: boolean;
}

/** It was a call's turn at a node that has failed meanwhile. */
const outdone = Symbol('outdone');

/**
 * HTTP to Orthanc: one node, or several on one database. It repeats a bounded number of times what fails with a transient
 * error, at another node where one answers. Every failed request throws a PlainviewError. Requests must be idempotent,
 * except for `jsonOnce` and `stream`, which repeat nothing.
 */
export class Transport {
  /** Of each try. */
  readonly timeoutMs: number;
  readonly #options: TransportOptions;
  readonly choice: NodeChoice;
  readonly #closed: AbortController;

  /**
   * @param shared of the transport that this one is a part of
   * @throws config_invalid where the certification authority's file cannot be read
   */
  constructor(options: TransportOptions, shared?: { choice: NodeChoice; closed: AbortController }) {
    this.#options = options;
    this.timeoutMs = options.orthancTimeoutMs;
    this.#closed = shared?.closed ?? new AbortController();
    // Every waiting call listens to this signal. Node.js would take that for a leak and warn.
    setMaxListeners(0, this.#closed.signal);
    this.choice = shared?.choice ?? new NodeChoice(membersOf(options, this.#closed.signal));
  }

  /** The first node of the list. It sends: peers, modalities and jobs belong to one node. */
  get first(): Transport {
    return this.#only(this.choice.members.slice(0, 1));
  }

  /** The one node that gets a writing call now, for calls that belong together: a job is known to its node alone. */
  async pinned(request: OrthancRequest): Promise<Transport> {
    await this.choice.ready();
    return this.#only([this.choice.choose(request, false, new Set())]);
  }

  /** See `AdaptiveLimiter`. */
  shareRate(others: number): void {
    for (const { node } of this.choice.members) node.shareRate(others);
  }

  #only(members: readonly Member[]): Transport {
    return new Transport(this.#options, { choice: new NodeChoice(members), closed: this.#closed });
  }

  /** @throws orthanc_… errors; transient ones only after the last repeat */
  async call(request: OrthancRequest, repeats: Repeats = {}): Promise<OrthancResponse> {
    const tried = new Set<Member>();
    return pRetry(() => this.#once(request, repeats, tried), {
      retries: this.#options.orthancRetries,
      signal: this.#closed.signal,
      minTimeout: 200,
      factor: 3,
      randomize: true,
      shouldRetry: ({ error }) =>
        error instanceof PlainviewError &&
        retriedCodes.has(error.code) &&
        !(repeats.ifNotBegun === true && mayHaveBegun(error)),
    });
  }

  /** @throws orthanc_garbage where the response is not JSON of the expected shape, and as `call` */
  async json<T extends z.ZodType>(schema: T, request: OrthancRequest): Promise<z.output<T>> {
    return this.parse(schema, request, await this.call(request));
  }

  /** As `json`, but never repeated: Orthanc may carry out the request although no response came. */
  async jsonOnce<T extends z.ZodType>(schema: T, request: OrthancRequest): Promise<z.output<T>> {
    return this.parse(schema, request, await this.once(request));
  }

  /** @throws orthanc_garbage where the response is not JSON of the expected shape */
  parse<T extends z.ZodType>(
    schema: T,
    request: { method: string; url: string },
    { body }: OrthancResponse,
  ): z.output<T> {
    const what = describe(request);
    let value: unknown;
    try {
      value = JSON.parse(body.toString('utf8'));
    } catch {
      // The parser's error is left out: it quotes the text, which may name a patient.
      throw createError('orthanc_garbage', { what, problem: 'it is not JSON' });
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    // Paths only: an issue's message may quote the value, and the value may be a patient's name.
    const problem = `unexpected shape at ${parsed.error.issues.map((issue) => issue.path.join('.') || 'top').join(', ')}`;
    throw createError('orthanc_garbage', { what, problem });
  }

  /** A response that is too long for memory, in chunks. It has no deadline but the caller's signal. Never repeated. */
  async *stream(url: string, signal: AbortSignal): AsyncGenerator<Buffer> {
    const { node } = this.choice.choose({ method: 'GET', url }, false, new Set());
    yield* node.stream(url, signal);
  }

  /** Aborted by `close`. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Aborts the running calls. Later calls fail at once. */
  close(): void {
    const [url] = this.#options.orthancUrl;
    this.#closed.abort(createError('orthanc_unreachable', { url, why: 'Plainview stops' }));
    for (const { node } of this.choice.members) node.close();
  }

  /** As `call`, but never repeated. */
  once(request: OrthancRequest): Promise<OrthancResponse> {
    return this.#once(request, {}, new Set());
  }

  async #once(
    request: OrthancRequest,
    { isNew = false, isHeavy = false }: Repeats,
    tried: Set<Member>,
  ): Promise<OrthancResponse> {
    await this.choice.ready();
    for (;;) {
      const member = this.choice.choose(request, isHeavy, tried);
      member.running++;
      try {
        return await member.node.send(request, isNew, async (call) => {
          if (this.choice.isOutdone(member, request)) throw outdone;
          if (isHeavy || isWrite(request)) await this.#options.confirm?.();
          return call().catch((error: unknown) => {
            tried.add(member);
            // Before the next call has its turn at this node.
            if (error instanceof PlainviewError) this.choice.failed(member, error);
            throw error;
          });
        });
      } catch (error) {
        if (error !== outdone) throw error;
      } finally {
        member.running--;
      }
    }
  }
}

function membersOf(options: TransportOptions, closed: AbortSignal): Member[] {
  const ca = readCa(options.orthancCaFile);
  return options.orthancUrl.map((url) => ({
    node: new OrthancNode(url, options, ca, closed),
    isReadOnly: false,
    mayBeStale: true,
    isFastByUid: false,
    restsUntil: 0,
    running: 0,
  }));
}

function readCa(file: string | undefined): { ca?: Buffer } {
  if (file === undefined) return {};
  try {
    return { ca: readFileSync(file) };
  } catch (error) {
    const problems = [`PLAINVIEW_ORTHANC_CA_FILE: ${fileProblem(file, error)}`];
    throw createError('config_invalid', { problems }, error);
  }
}
