import { Router } from 'express';
import { createError } from '../errors/errors.js';
import { live, plainview } from './health.js';

/** Of a process that waits for its database: it is alive, not ready, and refuses all else. */
export function startingRouter(): Router {
  const router = Router();
  router.get('/health/live', live);
  router.get('/health/ready', (_request, response) => {
    response.status(503).json({ ready: false, starting: true, plainview });
  });
  router.use(() => {
    throw createError('standby', { why: 'it waits for its database' });
  });
  return router;
}
