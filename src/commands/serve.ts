import { getPriority, setPriority } from 'node:os';
import { Command } from 'commander';
import { endAtLast } from '../app/last-resort.js';
import { openServiceLog } from '../app/service-log.js';
import { tellSystemd } from '../app/watchdog.js';
import { loadConfig } from '../config/load.js';
import { version } from '../config/version.js';
import { asPlainviewError, createError } from '../errors/errors.js';
import { openClassifier } from '../networks/open.js';
import { openTracing } from '../tracing/open.js';
import { noTracing } from '../tracing/tracing.js';

export const serveCommand = () =>
  new Command('serve')
    .description(
      'run the service for an Orthanc; environment variables PLAINVIEW_… configure it (see: plainview options)',
    )
    .action(() => run(false));

export const workCommand = () =>
  new Command('work')
    .description(
      'share the work of the services that have PLAINVIEW_DATABASE_URL, and nothing else: no hook, no page, no API',
    )
    .action(() => run(true));

async function run(onlyWorks: boolean): Promise<void> {
  const config = loadConfig(process.env);
  if (onlyWorks && config.databaseUrl === undefined)
    throw createError('usage', { problem: 'PLAINVIEW_DATABASE_URL is not set' });
  const output = openServiceLog(config.logLevel, config.logLevelForm);
  // Must come before the classifier starts: its processes inherit the priority. Only root may raise it again.
  setPriority(Math.max(config.nice, getPriority()));
  let stopRequestedAt = 0;
  const loading = new AbortController();
  const stopRequested = new Promise<string>((resolve) => {
    const request = (signal: string) => {
      if (stopRequestedAt === 0) endAtLast(config);
      stopRequestedAt ||= performance.now();
      loading.abort();
      resolve(signal);
    };
    // Some send SIGTERM more than once: a stop that is under way must not be cut off by it.
    process.on('SIGTERM', request);
    process.once('SIGINT', request);
  });
  const msLeft = () =>
    Math.max(0, Math.round(stopRequestedAt + config.shutdownSeconds * 1000 - performance.now()));
  let tracing = noTracing;
  try {
    // A platform can set these variables for all its programs. No radiograph waits for it.
    tracing = await openTracing(process.env, version, output.log).catch((error: unknown) => {
      output.log.error({ err: asPlainviewError(error) }, 'no traces are sent');
      return noTracing;
    });
    let handOver = () => {};
    const handedOver = new Promise<void>((resolve) => {
      handOver = resolve;
    });
    const opening = openClassifier(config, output.log, loading.signal, handOver)
      .catch((error: unknown) => {
        if (!loading.signal.aborted) throw error;
        output.log.info('stopped while the network was being loaded');
      })
      .finally(handOver);
    // The service's files, of which there are a thousand, are loaded while another process loads the network, and not before
    // that has been given it.
    const files = handedOver.then(() => import('../app/service.js'));
    files.catch(() => undefined); // awaited below, where the classifier is closed after a failure
    const classifier = await opening;
    if (classifier === undefined) return;
    try {
      const { startService } = await files;
      const service = await startService(config, classifier, { ...output, tracing }, {}, onlyWorks);
      const systemd = tellSystemd(process.env, service, config, output.log);
      try {
        const ended = Promise.race([stopRequested, service.lost]);
        await Promise.race([service.ready, ended]);
        const why = await ended;
        if (typeof why !== 'string') throw why;
        output.log.info({ signal: why }, 'stopping');
      } finally {
        systemd.stopping();
        await service.stop().finally(systemd.end);
      }
    } finally {
      await classifier.close(AbortSignal.timeout(msLeft()));
    }
  } finally {
    await tracing.stop(AbortSignal.timeout(Math.max(msLeft(), lastLinesMs)));
    await output.close(Math.max(msLeft(), lastLinesMs));
  }
}

/** The time in which the last lines of the log are written at least, if no time of the stop is left. */
const lastLinesMs = 1000;
