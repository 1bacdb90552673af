import express, { type Request, type RequestHandler, Router } from 'express';
import type { Logger } from 'pino';
import type { Audit } from '../../access/audit.js';
import { type Identity, mayActAs } from '../../access/caller.js';
import { isSignedBody, signatureHeader } from '../../access/signature.js';
import { createError } from '../../errors/errors.js';
import { bodyProblem } from '../body-problem.js';
import type { FailedAuthenticationLimiter } from '../failed-authentication-limiter.js';
import { limitPerMinute } from '../rate.js';
import type { Operation } from './operation.js';

interface Parts {
  authenticate: (request: Request) => Promise<Identity>;
  limiter: FailedAuthenticationLimiter;
  /** Limits the requests of one caller in a minute. */
  perMinute: number;
  audit: Audit;
  log: Logger;
}

const bodyLimit = '256kb';
const prefix = '/api/v1';

/** Serves the operations under `/api/v1`: authenticates, limits the rate, checks the role, parses the body. */
export function apiRouter(
  operations: readonly Operation[],
  { authenticate, limiter, perMinute, audit, log }: Parts,
): Router {
  const router = Router();
  const callers = new WeakMap<Request, Identity>();
  const callerOf = (request: Request): Identity => {
    const caller = callers.get(request);
    if (caller === undefined) throw createError('unauthorised', {});
    return caller;
  };
  router.use(
    prefix,
    limiter(
      async (request) => void callers.set(request, await authenticate(request)),
      (error) => log.info({ err: error }, 'a token or secret was refused'),
    ),
    noStore,
    limitPerMinute(perMinute, (request) => {
      const { how, who } = callerOf(request);
      return `${how} ${who}`;
    }),
    csrf,
    express.json({ limit: bodyLimit, verify: (request, _response, body) => bodies.set(request, body) }),
    requireSignedBody,
    bodyProblem(bodyLimit),
  );
  for (const operation of operations) {
    const path = operation.path.replace(/\{(\w+)\}/g, ':$1');
    router[operation.method](path, async (request, response) => {
      const caller = callerOf(request);
      if (!mayActAs(caller, operation.role)) {
        const detail = { needs: operation.role };
        void audit({ caller, action: 'refused', target: operation.id, detail });
        throw createError('forbidden', { role: operation.role });
      }
      const disconnected = new AbortController();
      response.on('close', () => disconnected.abort());
      const { params, query, body } = request;
      await operation.serve({ params, query, body, caller, signal: disconnected.signal }, response);
    });
  }
  for (const path of new Set(operations.map((each) => each.path))) {
    const methods = operations.filter((each) => each.path === path).map((each) => each.method.toUpperCase());
    router.all(path.replace(/\{(\w+)\}/g, ':$1'), (_request, response) => {
      response.set('allow', methods.join(', '));
      throw createError('method_unknown', { methods });
    });
  }
  return router;
}

/** The bodies of requests, as they were received. */
const bodies = new WeakMap<object, Buffer>();

const requireSignedBody: RequestHandler = (request, _response, next) => {
  const signature = request.get(signatureHeader);
  if (signature !== undefined && !isSignedBody(signature, bodies.get(request) ?? ''))
    throw createError('unauthorised', {});
  next();
};

const noStore: RequestHandler = (_request, response, next) => {
  response.set('cache-control', 'no-store');
  next();
};

/**
 * Protects against cross-site request forgery. A request that changes something must be JSON: another site cannot send
 * that without a CORS preflight. Where the browser sends `Sec-Fetch-Site`, it must be the same origin.
 */
const csrf: RequestHandler = (request, _response, next) => {
  if (['POST', 'PUT', 'DELETE'].includes(request.method)) {
    const site = request.get('sec-fetch-site');
    if (site !== undefined && site !== 'same-origin' && site !== 'none') throw createError('other_site', {});
    if (!isJson(request) && !isBare(request)) throw createError('not_json', {});
  }
  next();
};

const isJson = (request: Request): boolean =>
  /^application\/json\s*(;|$)/i.test(request.get('content-type') ?? '');

/** Without a body, where another site cannot send it without a preflight: a DELETE, or with a token in a header. */
const isBare = (request: Request): boolean =>
  request.method === 'DELETE' || (request.get('authorization') !== undefined && !hasBody(request));

const hasBody = (request: Request): boolean =>
  request.get('transfer-encoding') !== undefined || Number(request.get('content-length') ?? 0) > 0;
