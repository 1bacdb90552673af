import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import axios, { type AxiosInstance, type AxiosRequestConfig, isAxiosError } from 'axios';
import { z } from 'zod';
import type { Config } from '../config/options.js';
import { createError, PlainviewError } from '../errors/errors.js';
import { AdaptiveLimiter } from './adaptive-limiter.js';
import { createAgents } from './agents.js';
import type { Receiver } from './receiver.js';

export type NodeOptions = Pick<
  Config,
  | 'orthancUsername'
  | 'orthancPassword'
  | 'orthancTimeoutMs'
  | 'orthancConnections'
  | 'orthancRate'
  | 'maxMegapixels'
>;

export type OrthancRequest = AxiosRequestConfig & {
  method: string;
  url: string;
  /** Makes what takes the body of a good response while it arrives; one for each try. The response has no body then. */
  receiver?: () => Receiver;
};

/** Headers of a response and its unchanged body. */
export interface OrthancResponse {
  headers: Record<string, string>;
  body: Buffer;
}

/** The cause of a call's error. */
export class CallFailure extends Error {
  readonly node: string;
  /** The connection was open from an earlier call, and broke. Orthanc may have closed it at that moment: see `agents.ts`. */
  readonly oldConnectionBroke: boolean;

  constructor(message: string, { cause, node, old }: { cause: unknown; node: string; old: boolean }) {
    super(message, { cause });
    this.node = node;
    this.oldConnectionBroke = old;
  }
}

/** The node whose answer, or lack of one, is the cause of an error. */
export function nodeOf(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause)
    if (each instanceof CallFailure) return each.node;
  return undefined;
}

/** One Orthanc over HTTP. It keeps connections open, limits calls, gives each a deadline, and translates its errors. */
export class OrthancNode {
  readonly url: string;
  readonly #http: AxiosInstance;
  readonly #timeoutMs: number;
  readonly #limiter: AdaptiveLimiter;
  readonly #newConnections: { httpAgent: HttpAgent; httpsAgent: HttpsAgent };
  readonly #closed: AbortSignal;
  readonly #longestBody: number;

  constructor(url: string, options: NodeOptions, ca: { ca?: Buffer }, closed: AbortSignal) {
    this.url = url.replace(/\/+$/, '');
    this.#timeoutMs = options.orthancTimeoutMs;
    this.#closed = closed;
    this.#limiter = new AdaptiveLimiter({
      maxConcurrent: options.orthancConnections,
      perSecond: options.orthancRate,
      stopped: closed,
    });
    // An uncompressed colour picture: three bytes per pixel, and a header.
    this.#longestBody = options.maxMegapixels * 3_000_000 + 4096;
    this.#newConnections = { httpAgent: new HttpAgent(), httpsAgent: new HttpsAgent(ca) };
    this.#http = axios.create({
      baseURL: this.url,
      ...createAgents(options.orthancConnections, ca),
      ...(options.orthancUsername === undefined
        ? {}
        : { auth: { username: options.orthancUsername, password: options.orthancPassword ?? '' } }),
      responseType: 'arraybuffer',
      maxContentLength: this.#longestBody,
      // A redirect would send the password to another host. A site's HTTP proxy is not meant for its own PACS.
      maxRedirects: 0,
      proxy: false,
    });
  }

  /** See `AdaptiveLimiter`. */
  shareRate(others: number): void {
    this.#limiter.shareRate(others);
  }

  /**
   * @param isNew on a connection of its own
   * @param turn is given the call when it is its turn
   */
  send(
    request: OrthancRequest,
    isNew: boolean,
    turn: (call: () => Promise<OrthancResponse>) => Promise<OrthancResponse>,
  ): Promise<OrthancResponse> {
    const isMeasured = !/\/frames\/\d+\/[^/]+$/.test(request.url);
    return this.#limiter.run(isMeasured, () => turn(() => this.#send(request, isNew)));
  }

  async #send(request: OrthancRequest, isNew: boolean): Promise<OrthancResponse> {
    this.#closed.throwIfAborted();
    try {
      const own = isNew ? this.#newConnections : {};
      const signal = AbortSignal.timeout(this.#timeoutMs);
      const { receiver, ...asked } = request;
      if (receiver !== undefined) return await this.#receive({ ...asked, ...own, signal }, receiver());
      const { headers, data } = await this.#http.request<Buffer>({ ...asked, ...own, signal });
      return { headers: headers as Record<string, string>, body: data };
    } catch (error) {
      // After `close`, whatever the error is, `close` is its cause.
      this.#closed.throwIfAborted();
      throw this.#translate(error, describe(request));
    }
  }

  async #receive(
    request: OrthancRequest & { signal: AbortSignal },
    receiver: Receiver,
  ): Promise<OrthancResponse> {
    // axios would pass the chunks on one by one, only to count them.
    const whole = { responseType: 'stream' as const, maxContentLength: -1 };
    const { headers, data } = await this.#http.request<Readable>({ ...request, ...whole }).catch(withBody);
    const what = describe(request);
    let length = 0;
    data.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > this.#longestBody) data.destroy(createError('orthanc_too_long', { what }));
      else receiver.write(chunk);
    });
    await finished(data, { writable: false }).catch((error: NodeJS.ErrnoException) => {
      if (error instanceof PlainviewError) throw error;
      const { message, code } = error;
      const cause = new CallFailure(message, { cause: code, node: this.url, old: false });
      if (request.signal.aborted) throw createError('orthanc_timeout', { what, ms: this.#timeoutMs }, cause);
      // The status is good, but the response broke off.
      throw createError('orthanc_garbage', { what, problem: message }, cause);
    });
    return { headers: headers as Record<string, string>, body: Buffer.alloc(0) };
  }

  async *stream(url: string, signal: AbortSignal): AsyncGenerator<Buffer> {
    const options = { responseType: 'stream' as const, maxContentLength: -1, signal };
    this.#closed.throwIfAborted();
    try {
      yield* (await this.#http.get<Readable>(url, options)).data;
    } catch (error) {
      if (isAxiosError(error)) throw this.#translate(error, `GET ${url}`);
      const problem = error instanceof Error ? error.message : 'it broke off';
      throw createError('orthanc_garbage', { what: `GET ${url}`, problem }, error);
    }
  }

  close(): void {
    const { httpAgent, httpsAgent } = this.#http.defaults as ReturnType<typeof createAgents>;
    for (const agent of [httpAgent, httpsAgent]) agent.destroy();
  }

  #translate(error: unknown, what: string): unknown {
    if (!isAxiosError(error)) return error;
    // axios keeps the password of the request and the body of the response in its error. Neither may reach a log.
    const old = ['ECONNRESET', 'EPIPE'].includes(error.code ?? '') && error.request?.reusedSocket === true;
    const cause = new CallFailure(error.message, { cause: error.code, node: this.url, old });
    if (error.message.startsWith('maxContentLength')) return createError('orthanc_too_long', { what }, cause);
    const status = error.response?.status;
    if (status === undefined) {
      if (error.code === 'ERR_CANCELED' || error.code === 'ECONNABORTED')
        return createError('orthanc_timeout', { what, ms: this.#timeoutMs }, cause);
      return createError('orthanc_unreachable', { url: this.url, why: error.code ?? error.message }, cause);
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
    // These come from a proxy in front of Orthanc, or from an Orthanc whose database refuses.
    if ([502, 503, 504].includes(status))
      return createError('orthanc_unreachable', { url: this.url, why: `HTTP ${status}` }, cause);
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

/** The body of an error comes as a stream, too, where the body of a good response does. */
async function withBody(error: unknown): Promise<never> {
  if (isAxiosError(error) && error.response?.data instanceof Readable)
    error.response.data = await buffer(error.response.data).catch(() => undefined);
  throw error;
}

export const describe = (request: { method: string; url: string }) => `${request.method} ${request.url}`;
