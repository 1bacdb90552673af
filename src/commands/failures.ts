import { Command } from 'commander';
import { loadConfig } from '../config/load.js';
import { Orthanc } from '../orthanc/orthanc.js';
import { failedInstances } from '../select/failed.js';

export const failuresCommand = () =>
  new Command('failures')
    .description('list the instances that could not be classified, with the reasons')
    .option('--json', 'print one JSON object per line')
    .action(async ({ json }: { json?: boolean }) => {
      const config = loadConfig(process.env);
      const orthanc = new Orthanc(config);
      let count = 0;
      try {
        for await (const { instance, failure, when } of failedInstances(orthanc, config.labelPrefix)) {
          count++;
          if (json) console.log(JSON.stringify({ instance: instance.ID, ...failure, when }));
          else console.log(`${instance.ID}\t${when}\t${failure.code}\t${failure.message}`);
        }
      } finally {
        orthanc.close();
      }
      if (!json)
        console.error(
          count === 0 ? 'no failures' : `${count} failed. To try again: plainview reclassify --failed`,
        );
    });
