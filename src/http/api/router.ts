import express, { type Request, type RequestHandler, Router } from 'express';
import type { Logger } from 'pino';
import { type Caller, mayActAs } from '../../access/caller.js';
import { isSignedBody, signatureHeader } from '../../access/signature.js';
import { createError } from '../../errors/errors.js';
import { bodyProblem } from '../body-problem.js';
import type { FailedAuthenticationLimiter } from '../failed-authentication-limiter.js';
import { limitPerMinute } from '../rate.js';
import type { Operation } from './operation.js';

interface Parts {
  authenticate: (request: Request) => Caller;
  limiter: FailedAuthenticationLimiter;
  /** Limits the requests of one caller in a minute. */
  perMinute: number;
  log: Logger;
}

const bodyLimit = '256kb';
const prefix = '/api/v1';

/** Serves the operations under `/api/v1`: authenticates, limits the rate, checks the role, parses the body. */
export function apiRouter(
  operations: readonly Operation[],
  { authenticate, limiter, perMinute, log }: Parts,
): Router {
  const router = Router();
  const callers = new WeakMap<Request, Caller>();
  const callerOf = (request: Request): Caller => {
    const known = callers.get(request) ?? authenticate(request);
    callers.set(request, known);
    return known;
  };
  router.use(
    prefix,
    limiter(callerOf),
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
        log.warn({ who: caller.who, operation: operation.id }, 'refused: the role is not sufficient');
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
  if (!['GET', 'HEAD'].includes(request.method)) {
    const site = request.get('sec-fetch-site');
    if (site !== undefined && site !== 'same-origin' && site !== 'none') throw createError('other_site', {});
    // DELETE has no body. Another site cannot send it without a preflight either.
    const type = request.get('content-type') ?? '';
    if (request.method !== 'DELETE' && !/^application\/json\s*(;|$)/i.test(type))
      throw createError('not_json', {});
  }
  next();
};
