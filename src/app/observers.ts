import type { Logger } from 'pino';
import type { Audit } from '../access/audit.js';
import type { Classifier } from '../classify/classifier.js';
import type { Config } from '../config/options.js';
import { shownCategory } from '../decisions/correction.js';
import type { Recorder } from '../decisions/recorder.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Availability } from '../orthanc/availability.js';
import type { NodeHealth } from '../orthanc/node-health.js';
import type { Lifecycle } from './lifecycle.js';

/** Writes down who ended which decision of a person by a request. The request itself is in the audit trail as well. */
export function auditEnded({ events }: Recorder, audit: Audit): void {
  events.on('ended', ({ instance, request: { who, when }, previous, record }) => {
    const detail = {
      requested: when,
      ...(previous === undefined ? {} : { by: previous.person?.who, from: shownCategory(previous) }),
      to: shownCategory(record),
    };
    void audit({
      caller: { who, role: 'admin', how: 'orthanc' },
      action: 'end correction',
      target: `instances/${instance}`,
      detail,
    });
  });
}

/** Pauses the parts while Orthanc is away. Shows its state in metrics and log. */
export function observe(
  { events }: Availability,
  { metrics, lifecycle, log }: { metrics: Metrics; lifecycle: Lifecycle; log: Logger },
): void {
  events.on('problem', (error) => log.warn({ code: error.code }, `${error.message} Work waits.`));
  events.on('away', () => {
    metrics.orthancUp.set(0);
    lifecycle.pause();
  });
  events.on('back', ({ Version: version }) => {
    metrics.orthancUp.set(1);
    log.info({ version }, 'Orthanc answers');
  });
}

export function logNodes({ events }: NodeHealth, log: Logger): void {
  events.on('away', (node, error) =>
    log.warn({ code: error.code, node }, `${error.message} Other Orthancs take the calls of ${node}.`),
  );
  events.on('back', (node) => log.info({ node }, 'this Orthanc answers again'));
}

export function logNetwork(
  { engine, network, shadow, suspicions, lastLayer, orients }: Classifier,
  { features, orientation }: Pick<Config, 'features' | 'orientation'>,
  log: Logger,
): void {
  log.info({ engine, network: { name: network.name, sha256: network.sha256 } }, 'network loaded');
  for (const suspicion of suspicions)
    log.warn(
      `The network may be described wrongly: ${suspicion}. \`plainview model check\` tries it on a picture.`,
    );
  if (features === 'keep' && lastLayer === undefined)
    log.warn('PLAINVIEW_FEATURES has no effect: only a single frozen graph has features that can be kept');
  if (orientation !== 'off' && !orients)
    log.info('this network does not tell which way up pictures are: PLAINVIEW_ORIENTATION has no effect');
  for (const { engine: name, reason } of engine.declined) log.info({ engine: name }, `not used: ${reason}`);
  if (shadow?.network !== undefined) {
    const { name, sha256 } = shadow.network;
    log.info({ shadow: { name, sha256 } }, 'this network looks at each picture too, and decides nothing');
  }
  if (shadow?.problem !== undefined)
    log.error({ err: shadow.problem }, 'the shadow network is not used: decisions go on without it');
  if (network.purpose === 'research')
    log.warn('this network is for evaluation and research only: it is not a medical device');
}
