import { setMaxListeners } from 'node:events';
import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { pipeline } from 'node:stream';
import { type ErrorRequestHandler, type Request, type RequestHandler, Router } from 'express';
import type { Logger } from 'pino';
import { forwardedFor, forwardedHeader } from '../access/forwarded.js';
import { Signatures } from '../access/signature.js';
import { createError } from '../errors/errors.js';
import { answerSigner } from './answer-signer.js';

/** The process to which requests are forwarded. */
export interface ForwardTo {
  /** Without a path. */
  url: string;
  /** Aborted when it leads no longer: whatever it still has to answer is broken off. It may hang, and never say so. */
  until?: AbortSignal;
}

interface Options {
  /** Undefined while none is known. */
  leader: () => ForwardTo | undefined;
  secret: string;
  log: Logger;
  /** How long neither a byte of the request nor its answer may come through before the answer begins. */
  silenceMs?: number;
}

/**
 * Forwards every request to the leader as it is, and its answer back. Nothing is tried twice: the leader may have done
 * what it did not answer. No handler before it may read the body or change the answer.
 * @throws standby
 */
export function forwarder(options: Options): Router {
  // What the leader answers is signed there.
  const sign = answerSigner(new Signatures(options.secret));
  const signError: ErrorRequestHandler = (error, request, response, next) =>
    sign(request, response, () => next(error));
  return Router().use(forward(options), signError);
}

function forward({ leader, secret, log, silenceMs = 60_000 }: Options): RequestHandler {
  return async (request, response) => {
    // Two processes can each believe for a moment that the other one leads. Whoever wrote the header: no third is asked.
    if (request.get(forwardedHeader) !== undefined)
      throw createError('standby', { why: 'the request was forwarded already, and the leader is changing' });
    const to = leader();
    if (to === undefined) throw createError('standby', { why: 'no process leads at the moment' });
    const outgoing = open(request, to, { secret, silenceMs });
    // The client has left, or has the whole answer.
    response.on('close', () => outgoing.destroy());
    const answer = await answerTo(outgoing).catch((error: Error) => {
      const why = `${to.url} does not answer (${error.message}; if this goes on, check PLAINVIEW_HOST and PLAINVIEW_ADDRESS there)`;
      throw createError('standby', { why }, error);
    });
    answer.on('error', (err) => {
      if (response.destroyed) return;
      const { method, path } = request;
      log.warn({ err, leader: to.url, method, path }, 'the leader broke off an answer');
    });
    // A stream that runs may be silent.
    outgoing.setTimeout(0);
    response.writeHead(answer.statusCode ?? 500, answer.statusMessage, endToEndHeaders(answer));
    // Sends the headers before there is a body. `flushHeaders` would change their bytes to UTF-8.
    response.write('', 'latin1');
    // On an error it closes the client's connection, so that a part is not taken for the whole.
    pipeline(answer, response, () => undefined);
  };
}

function open(
  request: Request,
  to: ForwardTo,
  options: { secret: string; silenceMs: number },
): ClientRequest {
  const url = new URL(to.url);
  // Each running request listens to it. Node.js would warn of a leak at the eleventh.
  if (to.until !== undefined) setMaxListeners(0, to.until);
  const headers = endToEndHeaders(request);
  // The end of the body must be marked whatever the method and whatever `Connection` names: the leader would read the
  // rest as another request.
  const length = request.headers['content-length'];
  if (length !== undefined) headers['content-length'] = length;
  else if (request.headers['transfer-encoding'] !== undefined) headers['transfer-encoding'] = 'chunked';
  headers[forwardedHeader] = forwardedFor(options.secret, request.ip ?? '');
  // A leader that refuses an upload reads the rest of it before it closes. Else its answer would be lost with the rest.
  headers.connection = 'keep-alive';
  const outgoing = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
    method: request.method,
    path: request.originalUrl,
    headers,
    // Else TLS would ask for the certificate of the name in `Host`, which the client chose.
    servername: isIP(url.hostname.replace(/[[\]]/g, '')) === 0 ? url.hostname : '',
    // A connection for each request: one that was kept could have been closed by the leader at this moment.
    agent: false,
    timeout: options.silenceMs,
    ...(to.until === undefined ? {} : { signal: to.until }),
  });
  outgoing.on('timeout', () =>
    outgoing.destroy(new Error(`nothing came within ${options.silenceMs / 1000} s`)),
  );
  // What nobody reads any more would keep the client from reading the answer.
  outgoing.on('close', () => request.unpipe(outgoing).resume());
  return request.pipe(outgoing);
}

/** Keeps listening for errors: those that come later reach `answer` too. */
const answerTo = (outgoing: ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) =>
    outgoing
      .on('response', resolve)
      .on('error', reject)
      // A switch to another protocol is no answer, and no error.
      .on('close', () => reject(new Error('no answer'))),
  );

/** Those of one connection (RFC 9110, 7.6.1), besides the ones that `Connection` names. */
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** One value is a string: Node.js accepts no list for `Host`. */
function endToEndHeaders({ headers, headersDistinct }: IncomingMessage): OutgoingHttpHeaders {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const dropped = new Set([...hopByHop, ...named]);
  const kept = Object.entries(headersDistinct).filter(([name]) => !dropped.has(name));
  return Object.fromEntries(kept.map(([name, values]) => [name, values?.length === 1 ? values[0] : values]));
}
