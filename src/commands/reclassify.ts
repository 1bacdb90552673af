import { Command } from 'commander';
import { deriveKey } from '../access/keys.js';
import { loadConfig } from '../config/load.js';
import { recordOf } from '../decisions/read.js';
import { RequestSeal } from '../decisions/request-seal.js';
import { metadataNames } from '../decisions/schema.js';
import { stateLabels } from '../decisions/state-labels.js';
import { hasOtherVersion } from '../decisions/versions.js';
import { createError } from '../errors/errors.js';
import { Orthanc } from '../orthanc/orthanc.js';
import { select } from '../select/select.js';
import { progressBar } from './progress.js';
import { type SelectionOptions, selectionOf, withSelection } from './selection.js';
import { userName } from './user-name.js';

interface Options extends SelectionOptions {
  failed?: boolean;
  includingCorrected?: boolean;
  dryRun?: boolean;
}

/**
 * Writes the requests into Orthanc as metadata, so they are kept while the service is down. The service deletes each
 * request when it has been answered.
 */
export const reclassifyCommand = () =>
  withSelection(
    new Command('reclassify').description(
      'request that instances are classified again; the service does it as soon as it runs',
    ),
  )
    .option('--failed', 'all instances with the label classification_failed')
    .option('--including-corrected', 'also instances that a person has corrected')
    .option('--dry-run', 'only list the instances')
    .action(async (ids: string[], options: Options) => {
      const config = loadConfig(process.env);
      const failed = options.failed ? { label: config.labelPrefix + stateLabels.failed } : {};
      // One selection per identifier, so that missing ones can be named.
      const wanted = (ids.length === 0 ? [[]] : [...new Set(ids)].map((id) => [id])).map((named) => ({
        named,
        selection: selectionOf(named, options, failed),
      }));
      const orthanc = new Orthanc(config);
      const request = {
        who: userName(),
        when: new Date().toISOString(),
        includingCorrected: options.includingCorrected ?? false,
      };
      if (request.includingCorrected && config.secret === undefined)
        throw createError('config_invalid', {
          problems: [
            'PLAINVIEW_SECRET, or PLAINVIEW_SECRET_FILE: must be set as for the service, to request what people decided (--including-corrected)',
          ],
        });
      const seal = new RequestSeal(deriveKey(config.secret ?? '', 'seal'));
      let count = 0;
      let correctedCount = 0;
      let otherVersionCount = 0;
      const missing: string[] = [];
      const bar = progressBar(undefined, 'instances');
      try {
        for (const { named, selection } of wanted) {
          let isFound = false;
          for await (const page of select(orthanc, selection, config.modalities))
            for (const instance of page) {
              isFound = true;
              if (hasOtherVersion(instance)) {
                otherVersionCount++;
                continue;
              }
              if (!request.includingCorrected && recordOf(instance)?.record.who === 'person') {
                correctedCount++;
                continue;
              }
              const { ID } = instance;
              if (options.dryRun) {
                bar.hide();
                console.log(ID);
              } else
                await orthanc.metadata.put(
                  `instances/${ID}`,
                  metadataNames.request,
                  JSON.stringify(seal.seal(ID, { ...request, ends: recordOf(instance)?.record.when })),
                );
              count++;
              bar.advance();
            }
          if (!isFound) missing.push(...named);
        }
      } finally {
        bar.stop();
        orthanc.close();
      }
      const leftAlone = [
        correctedCount === 0
          ? ''
          : `; ${correctedCount} decided by a person: left alone (--including-corrected requests these too)`,
        otherVersionCount === 0
          ? ''
          : `; ${otherVersionCount} with a record of another version of Plainview: left alone`,
      ];
      console.error(`${count} ${options.dryRun ? 'would be asked for' : 'asked for'}${leftAlone.join('')}`);
      for (const id of missing)
        console.error(
          `${id}: Orthanc has no such radiograph (PLAINVIEW_MODALITIES), or the conditions exclude it`,
        );
      if (missing.length > 0) process.exitCode = 1;
    });
