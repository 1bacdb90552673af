import express, { Router } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { sameSecret } from '../access/secret.js';
import { createError, type PlainviewError } from '../errors/errors.js';
import type { Metrics, NoticeOutcome } from '../metrics/metrics.js';
import { type InstanceId, instanceId } from '../orthanc/ids.js';
import { bodyProblem } from './body-problem.js';
import type { FailedAuthenticationLimiter } from './failed-authentication-limiter.js';
import { requestMalformed, withInput } from './malformed.js';
import type { Notices } from './notices.js';

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
  notices: Notices;
  log: Logger;
  /** @returns `own`: Plainview has stored it, and there is nothing to do */
  accept: (instance: InstanceId) => 'accepted' | 'own';
}): Router {
  const { key, limiter, metrics, notices, log, accept } = options;
  const note = (outcome: NoticeOutcome) => {
    metrics.notices.inc({ outcome });
    notices.note(outcome);
  };
  const refusals = new Refusals(log);
  const router = Router();
  router.use(
    '/hook',
    limiter(
      (request) => {
        if (sameSecret(request.get('x-plainview-hook-key') ?? '', key)) return;
        note('unauthorised');
        const isOldHook = request.get('x-plainview-secret') !== undefined;
        // The hook of any version sends one of the two.
        if (isOldHook || request.get('x-plainview-hook-key') !== undefined)
          refusals.log(
            createError(isOldHook ? 'secret_sent' : 'hook_refused', {}),
            request.socket.remoteAddress,
          );
        throw createError(isOldHook ? 'secret_sent' : 'unauthorised', {});
      },
      () => undefined,
    ),
  );
  // The declared type of the body is ignored: Orthanc's HttpPost declares a form.
  router.post('/hook', express.json({ limit: '8kb', type: () => true }), (request, response) => {
    const parsed = notice.safeParse(request.body, withInput);
    if (!parsed.success) {
      note('malformed');
      throw requestMalformed(parsed.error, 'body');
    }
    note(accept(parsed.data.instance));
    response.status(202).json({ queued: true });
  });
  router.use(
    '/hook',
    bodyProblem('8 kB', () => note('malformed')),
  );
  return router;
}

/** A refusal is logged once in this time, milliseconds: whoever guesses must not fill the log. */
const quietMs = 60_000;

/** Logs that notices are refused: an administrator who set two secrets looks there. */
class Refusals {
  readonly #log: Logger;
  #untold = 0;
  #loggedAt = Number.NEGATIVE_INFINITY;

  constructor(log: Logger) {
    this.#log = log;
  }

  log({ code, message }: PlainviewError, address: string | undefined): void {
    this.#untold++;
    if (performance.now() - this.#loggedAt < quietMs) return;
    this.#log.warn({ code, address, notices: this.#untold }, message);
    this.#untold = 0;
    this.#loggedAt = performance.now();
  }
}
