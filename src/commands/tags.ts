import { Command } from 'commander';
import { slices } from '../async/slices.js';
import { loadConfig } from '../config/load.js';
import { maxUndoneInstances, undoTagsAnswer } from '../contract/undo-tags.js';
import { tagsOf } from '../decisions/tags-record.js';
import type { InstanceId } from '../orthanc/ids.js';
import { Orthanc } from '../orthanc/orthanc.js';
import { select } from '../select/select.js';
import { collect } from './arguments.js';
import { progressBar } from './progress.js';
import { categoriesLike, type SelectionOptions, selectionOf, withSelection } from './selection.js';
import { callService } from './service-client.js';

interface Options extends SelectionOptions {
  category?: string[];
  dryRun?: boolean;
}

export const tagsCommand = () =>
  new Command('tags')
    .description('manage what PLAINVIEW_TAGS has written into DICOM files')
    .addCommand(undoCommand());

/** The service does it, because only the service knows its own pending writes to the same instances. */
const undoCommand = () =>
  withSelection(
    new Command('undo').description(
      'have the running service restore the DICOM attributes that PLAINVIEW_TAGS has replaced',
    ),
  )
    .option(
      '--category <category>',
      'only these categories (knee_lateral); * matches any text (knee_*)',
      collect,
    )
    .option('--dry-run', 'only list the instances')
    .action(async (given: string[], { category, dryRun = false, ...options }: Options) => {
      const config = loadConfig(process.env);
      const selections = (await categoriesLike(category, config)).map((each) =>
        selectionOf(given, options, { category: each }),
      );
      const orthanc = new Orthanc(config);
      const bar = progressBar(undefined, 'files');
      let count = 0;
      let failed = 0;
      const undo = async (instances: InstanceId[]) => {
        const answer = await callService(undoTagsAnswer, config, {
          method: 'POST',
          path: '/api/v1/tags/undo',
          body: { instances },
          timeoutMs: 600_000, // twenty large files in a busy Orthanc
        });
        count += answer.undone.length;
        failed += answer.left.length;
        for (const { instance, why } of answer.left) {
          bar.hide();
          console.log(`${instance}: ${why}`);
        }
        bar.advance(instances.length);
      };
      try {
        for (const wanted of selections)
          for await (const page of select(orthanc, wanted, config.modalities)) {
            const written = page.filter((each) => Object.keys(tagsOf(each)?.written ?? {}).length > 0);
            const instances = written.map(({ ID }) => ID);
            if (dryRun) {
              bar.hide();
              for (const id of instances) console.log(id);
              count += instances.length;
            } else for (const some of slices(instances, maxUndoneInstances)) await undo(some);
          }
      } finally {
        bar.stop();
        orthanc.close();
      }
      console.error(dryRun ? `${count} would be given back` : `${count} given back`);
      if (failed > 0) process.exitCode = 1;
    });
