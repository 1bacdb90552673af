import type { Config } from '../../config/options.js';
import { version } from '../../config/version.js';
import { type Status, status } from '../../contract/review.js';
import type { Sweep } from '../../intake/sweep.js';
import type { Readiness } from '../health.js';
import { type Operation, operation } from './operation.js';

interface Parts {
  readiness: Readiness;
  sweep: Sweep;
  config: Pick<Config, 'orthancPages' | 'orthancUrl' | 'viewers'>;
  /** The number of clients connected to the event stream. */
  listeners: number;
}

/** The state of the service, as the review page shows it. */
export function statusOf({ readiness, sweep, config, listeners }: Parts): Status {
  const { network, shadow, engine, orthanc, queue, state: folder } = readiness;
  const { state, done, total, secondsLeft } = sweep.progress;
  return {
    version,
    network,
    ...(shadow === undefined ? {} : { shadow }),
    engine,
    queue,
    sweep: { state, done, total, ...(secondsLeft === undefined ? {} : { secondsLeft }) },
    orthanc: {
      up: orthanc.problem === undefined,
      ...(orthanc.version === undefined ? {} : { version: orthanc.version }),
      ...(orthanc.problem === undefined ? {} : { why: orthanc.problem }),
      ...(orthanc.failure === undefined ? {} : { failure: orthanc.failure }),
    },
    ...(folder.problem === undefined ? {} : { stateProblem: folder.problem }),
    ...(folder.failure === undefined ? {} : { stateFailure: folder.failure }),
    orthancPages: (config.orthancPages ?? config.orthancUrl[0]).replace(/\/+$/, ''),
    viewers: config.viewers ?? [],
    listeners,
    streams: true,
  };
}

export const statusOperation = (events: { status(): Status }): Operation =>
  operation({
    id: 'status',
    tag: 'service',
    method: 'get',
    path: '/api/v1/status',
    summary: 'Network, engine, queue, sweep, and whether Orthanc answers',
    role: 'viewer',
    answer: status,
    // Each stream would take one of Orthanc's threads.
    handle: ({ caller }) => ({ ...events.status(), streams: caller.how !== 'orthanc' }),
  });
