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
      // Must come before any thread starts: threads inherit the priority.
      setPriority(config.nice);
      const stopRequested = new Promise<string>((resolve) => {
        for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
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
