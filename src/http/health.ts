import { type RequestHandler, Router } from 'express';
import { commit, version } from '../config/version.js';
import type { ErrorDetail } from '../errors/errors.js';
import type { Metrics } from '../metrics/metrics.js';
import type { NoticesAnswer } from './notices.js';

/** The process that leads, where several work on an archive. */
export interface Leader {
  who: string;
  /** At which other processes reach it. */
  url: string;
  /** ISO 8601. */
  since: string;
}

/** Why something does not work: the sentence in English, and the error for other languages. */
interface Failing {
  problem?: string;
  failure?: ErrorDetail;
}

/** The answer of `/health/ready`. Its status is 200 while `ready`, else 503. */
export interface Readiness {
  ready: boolean;
  /** What runs. Without a commit where the build did not know it. */
  plainview: { version: string; commit?: string };
  network: { name: string; sha256: string; purpose: string };
  /** A second network that looks at each picture and decides nothing; `problem`: why it does not. It does not decide `ready`. */
  shadow?: Failing & { network?: { name: string; sha256: string; purpose: string } };
  engine: {
    engine: string;
    device: string;
    declined: { engine: string; reason: string; failure?: ErrorDetail }[];
  };
  orthanc: Failing & {
    url: string;
    answers: boolean;
    version?: string;
    /** Where there are several: each by its last health check. It does not decide `ready`. */
    nodes?: { url: string; answers: boolean; readOnly: boolean; problem?: string }[];
  };
  /** Where several processes work on the archive: whether this one leads, which one does, and how many there are. */
  leads?: boolean;
  leader?: Leader | undefined;
  members?: number;
  /** Whether the state can be written. Without it, corrections are refused and no progress is kept. */
  state: Failing & { writable: boolean };
  /** How far Orthanc's change log is behind, where this process follows it. It does not decide `ready`. */
  changes?: { behind: number; secondsSinceUpToDate: number };
  /** What Orthanc's hook has reported to this process. It does not decide `ready`. */
  hook?: NoticesAnswer;
  queue: { waiting: number; running: number; delayed: number; oldestSeconds: number };
}

/** What runs here, as the answers tell it. */
export const plainview: Readiness['plainview'] = { version, ...(commit === undefined ? {} : { commit }) };

/** The process runs. */
export const live: RequestHandler = (_request, response) => {
  response.json({ live: true, ...plainview });
};

/** `/health/live`: the process runs. `/health/ready`: it can process jobs. `/metrics`: for Prometheus. */
export function healthRouter(readiness: () => Readiness, metrics: Metrics): Router {
  const router = Router();
  router.get('/health/live', live);
  router.get('/health/ready', (_request, response) => {
    const state = readiness();
    response.status(state.ready ? 200 : 503).json(state);
  });
  router.get('/metrics', async (_request, response) => {
    response.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
  return router;
}
