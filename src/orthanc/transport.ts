import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import axios, { type AxiosInstance, type AxiosRequestConfig, isAxiosError } from 'axios';
import pRetry from 'p-retry';
import { z } from 'zod';
import type { Config } from '../config/options.js';
import { createError, type ErrorCode, PlainviewError } from '../errors/errors.js';
import { fileProblem } from '../files/file-problem.js';
import { AdaptiveLimiter } from './adaptive-limiter.js';
import { createAgents } from './agents.js';

export type TransportOptions = Pick<
  Config,
  | 'orthancUrl'
  | 'orthancUsername'
  | 'orthancPassword'
  | 'orthancCaFile'
  | 'orthancTimeoutMs'
  | 'orthancRetries'
  | 'orthancConnections'
  | 'orthancRate'
  | 'maxMegapixels'
>;

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

/** The connection was open from an earlier call, and broke. Orthanc may have closed it at that moment: see `agents.ts`. */
class OldConnectionBroke extends Error {}

export const isOfOldConnection = ({ cause }: PlainviewError): boolean => cause instanceof OldConnectionBroke;

interface Repeats {
  /** Not repeated where Orthanc may have begun it: the call itself may have stopped Orthanc. */
  ifNotBegun?: boolean;
  /** On a connection of its own. */
  isNew?: boolean;
}

/** Headers of a response and its unchanged body. */
export interface OrthancResponse {
  headers: Record<string, string>;
  body: Buffer;
}

/**
 * HTTP to Orthanc. It keeps connections open, gives each try a deadline, and repeats a bounded number of times what
 * fails with a transient error. Every failed request throws a PlainviewError. Requests must be idempotent, except for
 * `jsonOnce` and `stream`, which repeat nothing.
 */
export class Transport {
  readonly #http: AxiosInstance;
  /** Of each try. */
  readonly timeoutMs: number;
  readonly #retries: number;
  readonly #url: string;
  readonly #limiter: AdaptiveLimiter;
  readonly #newConnections: { http: HttpAgent; https: HttpsAgent };
  readonly #closed = new AbortController();

  /** @throws config_invalid where the certification authority's file cannot be read */
  constructor(options: TransportOptions) {
    this.#url = options.orthancUrl.replace(/\/+$/, '');
    this.timeoutMs = options.orthancTimeoutMs;
    this.#retries = options.orthancRetries;
    // Every waiting call listens to this signal. Node.js would take that for a leak and warn.
    setMaxListeners(0, this.#closed.signal);
    this.#limiter = new AdaptiveLimiter({
      maxConcurrent: options.orthancConnections,
      perSecond: options.orthancRate,
      stopped: this.#closed.signal,
    });
    const ca = readCa(options.orthancCaFile);
    this.#newConnections = { http: new HttpAgent(), https: new HttpsAgent(ca) };
    this.#http = axios.create({
      baseURL: this.#url,
      ...createAgents(options.orthancConnections, ca),
      ...(options.orthancUsername === undefined
        ? {}
        : { auth: { username: options.orthancUsername, password: options.orthancPassword ?? '' } }),
      responseType: 'arraybuffer',
      // An uncompressed colour picture: three bytes per pixel, and a header.
      maxContentLength: options.maxMegapixels * 3_000_000 + 4096,
      // A redirect would send the password to another host. A site's HTTP proxy is not meant for its own PACS.
      maxRedirects: 0,
      proxy: false,
    });
  }

  /** @throws orthanc_… errors; transient ones only after the last repeat */
  async call(
    request: AxiosRequestConfig & { method: string; url: string },
    { ifNotBegun = false, isNew = false }: Repeats = {},
  ): Promise<OrthancResponse> {
    const own = isNew ? { httpAgent: this.#newConnections.http, httpsAgent: this.#newConnections.https } : {};
    return pRetry(() => this.once({ ...request, ...own }), {
      retries: this.#retries,
      signal: this.#closed.signal,
      minTimeout: 200,
      factor: 3,
      randomize: true,
      shouldRetry: ({ error }) =>
        error instanceof PlainviewError &&
        retriedCodes.has(error.code) &&
        !(ifNotBegun && mayHaveBegun(error)),
    });
  }

  /** @throws orthanc_garbage where the response is not JSON of the expected shape, and as `call` */
  async json<T extends z.ZodType>(
    schema: T,
    request: AxiosRequestConfig & { method: string; url: string },
  ): Promise<z.output<T>> {
    return this.parse(schema, request, await this.call(request));
  }

  /** As `json`, but never repeated: Orthanc may carry out the request although no response came. */
  async jsonOnce<T extends z.ZodType>(
    schema: T,
    request: AxiosRequestConfig & { method: string; url: string },
  ): Promise<z.output<T>> {
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
    const options = { responseType: 'stream' as const, maxContentLength: -1, signal };
    this.#closed.signal.throwIfAborted();
    try {
      yield* (await this.#http.get<Readable>(url, options)).data;
    } catch (error) {
      if (isAxiosError(error)) throw this.#translate(error, `GET ${url}`);
      const problem = error instanceof Error ? error.message : 'it broke off';
      throw createError('orthanc_garbage', { what: `GET ${url}`, problem }, error);
    }
  }

  /** Aborted by `close`. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Aborts the running calls. Later calls fail at once. */
  close(): void {
    this.#closed.abort(createError('orthanc_unreachable', { url: this.#url, why: 'Plainview stops' }));
    const { httpAgent, httpsAgent } = this.#http.defaults as ReturnType<typeof createAgents>;
    for (const agent of [httpAgent, httpsAgent]) agent.destroy();
  }

  /** As `call`, but never repeated. */
  async once(request: AxiosRequestConfig & { method: string; url: string }): Promise<OrthancResponse> {
    try {
      const response = await this.#limiter.run(!/\/frames\/\d+\/[^/]+$/.test(request.url), () => {
        this.#closed.signal.throwIfAborted();
        return this.#http.request<Buffer>({ ...request, signal: AbortSignal.timeout(this.timeoutMs) });
      });
      return { headers: response.headers as Record<string, string>, body: response.data };
    } catch (error) {
      // After `close`, whatever the error is, `close` is its cause.
      this.#closed.signal.throwIfAborted();
      throw this.#translate(error, describe(request));
    }
  }

  #translate(error: unknown, what: string): unknown {
    if (!isAxiosError(error)) return error;
    // axios keeps the password of the request and the body of the response in its error. Neither may reach a log.
    const isOld = ['ECONNRESET', 'EPIPE'].includes(error.code ?? '') && error.request?.reusedSocket === true;
    const cause = new (isOld ? OldConnectionBroke : Error)(error.message, { cause: error.code });
    if (error.message.startsWith('maxContentLength')) return createError('orthanc_too_long', { what }, cause);
    const status = error.response?.status;
    if (status === undefined) {
      if (error.code === 'ERR_CANCELED' || error.code === 'ECONNABORTED')
        return createError('orthanc_timeout', { what, ms: this.timeoutMs }, cause);
      return createError('orthanc_unreachable', { url: this.#url, why: error.code ?? error.message }, cause);
    }
    // The status is good, but the response broke off.
    if (status < 300) return createError('orthanc_garbage', { what, problem: error.message }, cause);
    if (status === 401 || status === 403) return createError('orthanc_refused', { what, status }, cause);
    if (status === 404) return createError('orthanc_absent', { what }, cause);
    if (status === 409 || status === 412) return createError('orthanc_conflict', { what }, cause);
    if (status === 415) return createError('orthanc_unsupported', { what }, cause);
    const orthancError = orthancErrorOf(error.response?.data);
    if (orthancError?.OrthancStatus === 27)
      return createError('attribute_unknown', { attribute: orthancError.Details }, cause);
    if (orthancError?.OrthancStatus === 2) return createError('orthanc_unable', { what }, cause);
    // These come from a proxy in front of Orthanc.
    if ([502, 503, 504].includes(status))
      return createError('orthanc_unreachable', { url: this.#url, why: `HTTP ${status}` }, cause);
    if (status >= 500) return createError('orthanc_failed', { what, status }, cause);
    return createError('orthanc_rejected', { what, status }, cause);
  }
}

/**
 * The bodies of HTTP 500 that Plainview understands. 27: a search names an attribute that Orthanc's dictionary lacks.
 * 2: the database plugin does not implement the request. (Orthanc's `ErrorCode`.)
 */
const orthancErrorBody = z.union([
  z.object({ OrthancStatus: z.literal(27), Details: z.string().regex(/^\w{1,64}$/) }),
  z.object({ OrthancStatus: z.literal(2) }),
]);

function orthancErrorOf(body: unknown): z.output<typeof orthancErrorBody> | undefined {
  if (!Buffer.isBuffer(body) || body.length > 4096) return undefined;
  try {
    return orthancErrorBody.safeParse(JSON.parse(body.toString('utf8'))).data;
  } catch {
    return undefined; // not Orthanc's JSON, for example a page of a proxy
  }
}

const describe = (request: { method: string; url: string }) => `${request.method} ${request.url}`;

function readCa(file: string | undefined): { ca?: Buffer } {
  if (file === undefined) return {};
  try {
    return { ca: readFileSync(file) };
  } catch (error) {
    const problems = [`PLAINVIEW_ORTHANC_CA_FILE: ${fileProblem(file, error)}`];
    throw createError('config_invalid', { problems }, error);
  }
}
