import type { Request } from 'express';
import { type RateLimitRequestHandler, rateLimit } from 'express-rate-limit';
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
