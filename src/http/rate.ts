import type { Request } from 'express';
import { type RateLimitRequestHandler, rateLimit } from 'express-rate-limit';
import { createError } from '../errors/errors.js';

/**
 * Limits requests to so many a minute.
 * @param keyOf the key by which they are counted; default: the address
 * @throws too_many_requests
 */
export const mostPerMinute = (limit: number, keyOf?: (request: Request) => string): RateLimitRequestHandler =>
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
