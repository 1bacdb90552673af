import { Router } from 'express';
import { createError } from '../errors/errors.js';

/** Of a process that waits until another one ends: it is alive, not ready, and refuses all else. */
export function standbyRouter(holder: () => string): Router {
  const router = Router();
  router.get('/health/live', (_request, response) => {
    response.json({ live: true });
  });
  router.get('/health/ready', (_request, response) => {
    response.status(503).json({ ready: false, standby: true, leader: { who: holder() } });
  });
  router.get('/metrics', (_request, response) => {
    response
      .type('text/plain; version=0.0.4')
      .send(
        '# HELP plainview_leader 1 while this process works, 0 while it is a standby.\n# TYPE plainview_leader gauge\nplainview_leader 0\n',
      );
  });
  router.use(() => {
    throw createError('standby', { holder: holder() });
  });
  return router;
}
