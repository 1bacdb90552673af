import { userInfo } from 'node:os';
import { Command } from 'commander';
import { loadConfig } from '../config/load.js';
import { type Selection, select } from '../intake/requests/selection.js';
import { Orthanc } from '../orthanc/orthanc.js';
import { Search } from '../orthanc/search.js';
import { stateLabels } from '../record/labels.js';
import { metadataNames, type ReclassifyRequest } from '../record/schema.js';
import { progressBar } from './progress.js';
import { named, parseSelection, queryOf } from './selection.js';

interface Options {
  failed?: boolean;
  label?: string;
  query?: string[];
  from?: string;
  to?: string;
  network?: string;
  all?: true;
  includingCorrected?: boolean;
  dryRun?: boolean;
}

/** A request is written into Orthanc: it survives a service that is down, and is gone when it has been answered. */
export const reclassifyCommand = () =>
  new Command('reclassify')
    .description('ask for instances to be classified again; the service answers as soon as it runs')
    .argument('[id...]', "Orthanc's identifiers or DICOM UIDs, of instances, series, studies or patients")
    .option('--failed', 'all that are marked classification_failed')
    .option('--label <label>', 'all that carry this label')
    .option('--query <Tag=value...>', "DICOM attributes, as in Orthanc's find (StationName=ROOM*)")
    .option('--from <date>', 'Study Date from this day on (2026-01-31)')
    .option('--to <date>', 'Study Date up to this day')
    .option('--network <name>', 'decided by this network: its name, or the beginning of its SHA-256')
    .option('--all', 'every radiograph')
    .option('--including-corrected', 'also what a person has corrected')
    .option('--dry-run', 'only say which')
    .action(async (ids: string[], options: Options) => {
      const config = loadConfig(process.env);
      const wanted = selectionOf(ids, options, config.labelPrefix);
      const orthanc = new Orthanc(config);
      const request: ReclassifyRequest = {
        who: userInfo().username,
        when: new Date().toISOString(),
        includingCorrected: options.includingCorrected ?? false,
      };
      let count = 0;
      const bar = progressBar(undefined, 'instances');
      try {
        for await (const page of select(new Search(orthanc.rest), wanted, config.modalities))
          for (const { ID } of page) {
            if (options.dryRun) {
              bar.hide();
              console.log(ID);
            } else
              await orthanc.putMetadata(`instances/${ID}`, metadataNames.request, JSON.stringify(request));
            count++;
            bar.advance();
          }
      } finally {
        bar.stop();
        orthanc.close();
      }
      console.error(options.dryRun ? `${count} would be asked for` : `${count} asked for`);
    });

/** @throws usage */
function selectionOf(given: string[], options: Options, labelPrefix: string): Selection {
  const { failed, label, query, from, to, network, all } = options;
  return parseSelection({
    ...named(given),
    label: failed ? labelPrefix + stateLabels.failed : label,
    query: queryOf(query),
    from,
    to,
    network,
    all,
  });
}
