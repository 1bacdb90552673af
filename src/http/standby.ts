import { Router } from 'express';
import { createError } from '../errors/errors.js';
import { type Leader, live } from './health.js';

/** Of a process that waits until another one ends: it is alive, not ready, and refuses all else. */
export function standbyRouter(leader: () => Leader | undefined): Router {
  const router = Router();
  router.get('/health/live', live);
  router.get('/health/ready', (_request, response) => {
    response.status(503).json({ ready: false, standby: true, leader: leader() });
  });
  router.get('/metrics', (_request, response) => {
    response
      .type('text/plain; version=0.0.4')
      .send(
        '# HELP plainview_leader 1 while this process works, 0 while it is a standby.\n# TYPE plainview_leader gauge\nplainview_leader 0\n',
      );
  });
  router.use(() => {
    const { who, since } = leader() ?? {};
    throw createError('standby', {
      why: who === undefined ? 'no process leads yet' : `the leader is ${who}, since ${since}`,
    });
  });
  return router;
}
