import type { Request } from 'express';
import { ipKeyGenerator, type RateLimitRequestHandler, rateLimit } from 'express-rate-limit';
import { createError } from '../errors/errors.js';

/**
 * Limits the requests in a minute.
 * @param keyOf the key by which requests are counted; default: the address
 * @throws too_many_requests
 */
export const limitPerMinute = (
  limit: number,
  keyOf?: (request: Request) => string,
): RateLimitRequestHandler =>
  rateLimit({
    windowMs: 60_000,
    limit,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    handler: () => {
      throw createError('too_many_requests', {});
    },
    ...(keyOf === undefined ? {} : { keyGenerator: keyOf }),
  });

/** The key by which addresses are counted: one client has many of IPv6. */
export const byAddress =
  (addressOf: (request: Request) => string) =>
  (request: Request): string =>
    ipKeyGenerator(addressOf(request));
