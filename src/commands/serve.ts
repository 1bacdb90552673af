import { Command } from 'commander';
import { pino } from 'pino';
import { createClassifier } from '../classify/classifier.js';
import { loadConfig } from '../config/load.js';
import { networkFiles } from '../config/network.js';
import { startService } from '../service.js';

export const serveCommand = () =>
  new Command('serve')
    .description(
      'run the service beside an Orthanc; configured by PLAINVIEW_… variables (see: plainview options)',
    )
    .action(async () => {
      const config = loadConfig(process.env);
      const log = pino({ level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime });
      const stopRequested = new Promise<string>((resolve) => {
        for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
      });
      const classifier = await createClassifier({
        ...networkFiles(config),
        engine: config.engine,
        workers: config.workers,
        maxMegapixels: config.maxMegapixels,
        thresholds: {
          threshold: config.threshold,
          margin: config.margin,
          unknownBelow: config.unknownBelow,
        },
      });
      const service = await startService(config, classifier, log);
      log.info({ signal: await stopRequested }, 'stopping');
      await service.stop();
    });
