import express, { Router } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { sameSecret } from '../access/secret.js';
import { createError } from '../errors/errors.js';
import type { Metrics } from '../metrics/metrics.js';
import { type InstanceId, instanceId } from '../orthanc/ids.js';
import { bodyProblem } from './body-problem.js';
import type { FailedAuthenticationLimiter } from './failed-authentication-limiter.js';
import { requestMalformed, withInput } from './malformed.js';

/** The body that `lua/plainview.lua` sends. It contains no patient data. */
const notice = z.object({
  instance: instanceId,
  modality: z.string().max(16),
  sopClass: z.string().max(64),
  change: z.string().max(32),
});

/**
 * `POST /hook`: Orthanc reports a stored instance. It is answered before any call to Orthanc, because Orthanc blocks its
 * REST API until the answer comes. The body of the answer must not be empty: the hook treats that as a failure.
 */
export function hookRouter(options: {
  /** The hook's key. It opens nothing else. */
  key: string;
  limiter: FailedAuthenticationLimiter;
  metrics: Metrics;
  log: Logger;
  /** @returns `own`: Plainview has stored it, and there is nothing to do */
  accept: (instance: InstanceId) => 'accepted' | 'own';
}): Router {
  const { key, limiter, metrics, log, accept } = options;
  const router = Router();
  router.use(
    '/hook',
    limiter(
      (request) => {
        if (sameSecret(request.get('x-plainview-hook-key') ?? '', key)) return;
        metrics.notices.inc({ outcome: 'unauthorised' });
        throw createError(
          request.get('x-plainview-secret') === undefined ? 'unauthorised' : 'secret_sent',
          {},
        );
      },
      (error) => log.warn({ code: error.code }, `a notice was refused. ${error.message}`),
    ),
  );
  // The declared type of the body is ignored: Orthanc's HttpPost declares a form.
  router.post('/hook', express.json({ limit: '8kb', type: () => true }), (request, response) => {
    const parsed = notice.safeParse(request.body, withInput);
    if (!parsed.success) {
      metrics.notices.inc({ outcome: 'malformed' });
      throw requestMalformed(parsed.error, 'body');
    }
    metrics.notices.inc({ outcome: accept(parsed.data.instance) });
    response.status(202).json({ queued: true });
  });
  router.use(
    '/hook',
    bodyProblem('8 kB', () => metrics.notices.inc({ outcome: 'malformed' })),
  );
  return router;
}
