import express, { Router } from 'express';
import { z } from 'zod';
import { fail } from '../errors.js';
import { type Sweep, type SweepOrder, sweepOrders } from '../intake/sweep.js';
import { requireSecret } from './secret.js';

const wish = z.object({ order: z.enum(sweepOrders).optional() });

/** `GET /api/v1/sweep`: how far a sweep is. `POST`: begins one, unless one is under way. Both need the secret. */
export function sweepRouter(sweep: Sweep, secret: string, order: SweepOrder): Router {
  const router = Router();
  router.use('/api/v1/sweep', requireSecret(secret));
  router.get('/api/v1/sweep', (_request, response) => {
    response.json(sweep.progress);
  });
  router.post('/api/v1/sweep', express.json({ limit: '1kb' }), (request, response) => {
    const parsed = wish.safeParse(request.body ?? {});
    if (!parsed.success) throw fail('request_malformed', { problem: 'order must be newest or oldest' });
    sweep.start(parsed.data.order ?? order);
    response.status(202).json(sweep.progress);
  });
  return router;
}
