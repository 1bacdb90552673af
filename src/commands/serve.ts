import { setPriority } from 'node:os';
import { Command } from 'commander';
import { pino } from 'pino';
import { classifierOptions } from '../app/classifier-options.js';
import { startService } from '../app/service.js';
import { createClassifier } from '../classify/classifier.js';
import { loadConfig } from '../config/load.js';

export const serveCommand = () =>
  new Command('serve')
    .description(
      'run the service for an Orthanc; environment variables PLAINVIEW_… configure it (see: plainview options)',
    )
    .action(async () => {
      const config = loadConfig(process.env);
      const log = pino({ level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime });
      // Must come before the classifier starts: its processes inherit the priority.
      setPriority(config.nice);
      const stopRequested = new Promise<string>((resolve) => {
        // Some send SIGTERM more than once: a stop that is under way must not be cut off by it.
        process.on('SIGTERM', resolve);
        process.once('SIGINT', resolve);
      });
      const classifier = await createClassifier(classifierOptions(config));
      try {
        const service = await startService(config, classifier, log);
        try {
          await Promise.race([service.ready, stopRequested]);
          log.info({ signal: await stopRequested }, 'stopping');
        } finally {
          await service.stop();
        }
      } finally {
        await classifier.close();
      }
    });
