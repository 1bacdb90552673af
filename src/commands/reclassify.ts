import { userInfo } from 'node:os';
import { Command } from 'commander';
import { loadConfig } from '../config/load.js';
import { fail } from '../errors.js';
import { failedInstances } from '../intake/failed.js';
import { type InstanceId, instanceId } from '../orthanc/ids.js';
import { Orthanc } from '../orthanc/orthanc.js';
import { metadataNames, type ReclassifyRequest } from '../record/schema.js';

interface Options {
  failed?: boolean;
  includingCorrected?: boolean;
  dryRun?: boolean;
}

/** A request is written into Orthanc: it survives a service that is down, and is gone when it has been answered. */
export const reclassifyCommand = () =>
  new Command('reclassify')
    .description('ask for instances to be classified again; the service answers as soon as it runs')
    .argument('[instance...]', "Orthanc's identifiers")
    .option('--failed', 'all that are marked classification_failed')
    .option('--including-corrected', 'also what a person has corrected')
    .option('--dry-run', 'only say which')
    .action(async (ids: string[], options: Options) => {
      if (ids.length === 0 && !options.failed)
        throw fail('usage', { problem: 'name instances, or give --failed' });
      const given = ids.map((id) => {
        const parsed = instanceId.safeParse(id);
        if (!parsed.success) throw fail('usage', { problem: `${id} is not an identifier of Orthanc` });
        return parsed.data;
      });
      const config = loadConfig(process.env);
      const orthanc = new Orthanc(config);
      const request: ReclassifyRequest = {
        who: userInfo().username,
        when: new Date().toISOString(),
        includingCorrected: options.includingCorrected ?? false,
      };
      let count = 0;
      const ask = async (id: InstanceId) => {
        if (options.dryRun) console.log(id);
        else await orthanc.putMetadata(`instances/${id}`, metadataNames.request, JSON.stringify(request));
        count++;
      };
      try {
        for (const id of given) await ask(id);
        if (options.failed)
          for await (const { instance } of failedInstances(orthanc, config.labelPrefix))
            await ask(instance.ID);
      } finally {
        orthanc.close();
      }
      console.error(options.dryRun ? `${count} would be asked for` : `${count} asked for`);
    });
