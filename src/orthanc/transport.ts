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
import { AdaptiveLimiter } from './adaptive-limiter.js';

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

/** What a repeat a moment later can mend; the rest of what passes is left to the job's own next try. */
const repeatedAtOnce: ReadonlySet<ErrorCode> = new Set([
  'orthanc_unreachable',
  'orthanc_timeout',
  'orthanc_failed',
  'orthanc_garbage',
]);

/** Headers of an answer, and its body as it came. */
export interface OrthancResponse {
  headers: Record<string, string>;
  body: Buffer;
}

/**
 * HTTP to Orthanc: keep-alive, a deadline for each try, bounded repeats of what may pass, and every failure
 * as an error of the catalogue. Calls may be repeated without harm, but for those made by `once`.
 */
export class Transport {
  readonly #http: AxiosInstance;
  readonly #timeoutMs: number;
  readonly #retries: number;
  readonly #url: string;
  readonly #load: AdaptiveLimiter;
  readonly #closed = new AbortController();

  /** @throws config_invalid where the certification authority's file cannot be read */
  constructor(options: TransportOptions) {
    const agent = { keepAlive: true, maxSockets: options.orthancConnections };
    this.#url = options.orthancUrl.replace(/\/+$/, '');
    this.#timeoutMs = options.orthancTimeoutMs;
    this.#retries = options.orthancRetries;
    // Every call that waits listens to it: no leak to be warned of.
    setMaxListeners(0, this.#closed.signal);
    this.#load = new AdaptiveLimiter({
      most: options.orthancConnections,
      perSecond: options.orthancRate,
      ended: this.#closed.signal,
    });
    this.#http = axios.create({
      baseURL: this.#url,
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent({ ...agent, ...readCa(options.orthancCaFile) }),
      ...(options.orthancUsername === undefined
        ? {}
        : { auth: { username: options.orthancUsername, password: options.orthancPassword ?? '' } }),
      responseType: 'arraybuffer',
      // Three bytes a pixel and a header: a colour picture without compression.
      maxContentLength: options.maxMegapixels * 3_000_000 + 4096,
      // A redirect would carry the password elsewhere; a site's HTTP proxy is not for the PACS next door.
      maxRedirects: 0,
      proxy: false,
    });
  }

  /** @throws orthanc_… errors; those that may pass only after the bounded repeats */
  async call(request: AxiosRequestConfig & { method: string; url: string }): Promise<OrthancResponse> {
    return pRetry(() => this.#once(request), {
      retries: this.#retries,
      signal: this.#closed.signal,
      minTimeout: 200,
      factor: 3,
      randomize: true,
      shouldRetry: ({ error }) => error instanceof PlainviewError && repeatedAtOnce.has(error.code),
    });
  }

  /** @throws orthanc_garbage where the answer is not JSON of the expected shape */
  async json<T extends z.ZodType>(
    schema: T,
    request: AxiosRequestConfig & { method: string; url: string },
  ): Promise<z.output<T>> {
    return this.#parse(schema, request, await this.call(request));
  }

  /** As `json`, but not repeated: it may have been done, or be done yet, though no answer came. */
  async jsonOnce<T extends z.ZodType>(
    schema: T,
    request: AxiosRequestConfig & { method: string; url: string },
  ): Promise<z.output<T>> {
    return this.#parse(schema, request, await this.#once(request));
  }

  #parse<T extends z.ZodType>(
    schema: T,
    request: { method: string; url: string },
    { body }: OrthancResponse,
  ): z.output<T> {
    const what = describe(request);
    let value: unknown;
    try {
      value = JSON.parse(body.toString('utf8'));
    } catch {
      // Without the cause: it quotes the text, and the text may name a patient.
      throw createError('orthanc_garbage', { what, problem: 'it is not JSON' });
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    // Paths only: an issue's message may quote the value, and the value may be a patient's name.
    const problem = `unexpected shape at ${parsed.error.issues.map((issue) => issue.path.join('.') || 'top').join(', ')}`;
    throw createError('orthanc_garbage', { what, problem });
  }

  /** An answer too long to be held: given as it comes, under no deadline but the caller's. Not repeated. */
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

  /** Gives up what is under way, and begins nothing more. */
  close(): void {
    this.#closed.abort(createError('orthanc_unreachable', { url: this.#url, why: 'Plainview stops' }));
    for (const agent of [this.#http.defaults.httpAgent, this.#http.defaults.httpsAgent] as HttpAgent[])
      agent.destroy();
  }

  async #once(request: AxiosRequestConfig & { method: string; url: string }): Promise<OrthancResponse> {
    try {
      const response = await this.#load.run(!request.url.endsWith('/rendered'), () => {
        this.#closed.signal.throwIfAborted();
        return this.#http.request<Buffer>({ ...request, signal: AbortSignal.timeout(this.#timeoutMs) });
      });
      return { headers: response.headers as Record<string, string>, body: response.data };
    } catch (error) {
      // However it broke off then, this is why.
      this.#closed.signal.throwIfAborted();
      throw this.#translate(error, describe(request));
    }
  }

  #translate(error: unknown, what: string): unknown {
    if (!isAxiosError(error)) return error;
    // axios keeps the request with its password and the answer's body inside the error: neither may reach a log.
    const cause = new Error(error.message, { cause: error.code });
    const status = error.response?.status;
    if (status === undefined) {
      if (error.code === 'ERR_CANCELED' || error.code === 'ECONNABORTED')
        return createError('orthanc_timeout', { what, ms: this.#timeoutMs }, cause);
      return createError('orthanc_unreachable', { url: this.#url, why: error.code ?? error.message }, cause);
    }
    // A good status with an error: the answer broke off, or was longer than any picture may be.
    if (status < 300) return createError('orthanc_garbage', { what, problem: error.message }, cause);
    if (status === 401 || status === 403) return createError('orthanc_refused', { what, status }, cause);
    if (status === 404) return createError('orthanc_absent', { what }, cause);
    if (status === 409 || status === 412) return createError('orthanc_conflict', { what }, cause);
    if (status === 415) return createError('orthanc_unsupported', { what }, cause);
    const said = saidBy(error.response?.data);
    if (said?.OrthancStatus === 27)
      return createError('attribute_unknown', { attribute: said.Details }, cause);
    if (said?.OrthancStatus === 2) return createError('orthanc_unable', { what }, cause);
    // Said by what stands before Orthanc.
    if ([502, 503, 504].includes(status))
      return createError('orthanc_unreachable', { url: this.#url, why: `HTTP ${status}` }, cause);
    if (status >= 500) return createError('orthanc_failed', { what, status }, cause);
    return createError('orthanc_rejected', { what, status }, cause);
  }
}

/**
 * What Orthanc says with a 500 that means something: 27, a search names an attribute that no dictionary of it has;
 * 2, its database plugin has not implemented what was asked.
 */
const orthancError = z.union([
  z.object({ OrthancStatus: z.literal(27), Details: z.string().regex(/^\w{1,64}$/) }),
  z.object({ OrthancStatus: z.literal(2) }),
]);

function saidBy(body: unknown): z.output<typeof orthancError> | undefined {
  if (!Buffer.isBuffer(body) || body.length > 4096) return undefined;
  try {
    return orthancError.safeParse(JSON.parse(body.toString('utf8'))).data;
  } catch {
    return undefined; // a proxy's page, say
  }
}

const describe = (request: { method: string; url: string }) => `${request.method} ${request.url}`;

function readCa(file: string | undefined): { ca?: Buffer } {
  if (file === undefined) return {};
  try {
    return { ca: readFileSync(file) };
  } catch (error) {
    const problems = [`PLAINVIEW_ORTHANC_CA_FILE: ${(error as Error).message}`];
    throw createError('config_invalid', { problems }, error);
  }
}
