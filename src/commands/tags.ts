import { Command } from 'commander';
import { loadConfig } from '../config/load.js';
import { mostUndone, undoneTags } from '../http/api/tags.js';
import { select } from '../intake/requests/selection.js';
import type { InstanceId } from '../orthanc/ids.js';
import { Orthanc } from '../orthanc/orthanc.js';
import { Search } from '../orthanc/search.js';
import { tagsOf } from '../record/tags/schema.js';
import { progressBar } from './progress.js';
import { named, parseSelection, queryOf, requireCategory } from './selection.js';
import { askService } from './service.js';

interface Options {
  category?: string;
  label?: string;
  query?: string[];
  from?: string;
  to?: string;
  network?: string;
  all?: true;
  dryRun?: boolean;
}

export const tagsCommand = () =>
  new Command('tags')
    .description('what PLAINVIEW_TAGS has written into DICOM files')
    .addCommand(undoCommand());

/** The service does it: it alone knows what it is about to write to the same instances. */
const undoCommand = () =>
  new Command('undo')
    .description('have the running service give DICOM files back what stood there before')
    .argument('[id...]', "Orthanc's identifiers or DICOM UIDs, of instances, series, studies or patients")
    .option('--category <category>', 'the category given: knee_lateral')
    .option('--label <label>', 'all that carry this label')
    .option('--query <Tag=value...>', "DICOM attributes, as in Orthanc's find (StationName=ROOM*)")
    .option('--from <date>', 'Study Date from this day on (2026-01-31)')
    .option('--to <date>', 'Study Date up to this day')
    .option('--network <name>', 'decided by this network: its name, or the beginning of its SHA-256')
    .option('--all', 'every radiograph')
    .option('--dry-run', 'only say which')
    .action(async (given: string[], { query, dryRun = false, ...conditions }: Options) => {
      const config = loadConfig(process.env);
      const wanted = parseSelection({
        ...named(given),
        query: queryOf(query),
        ...conditions,
      });
      await requireCategory(wanted.category, config);
      const orthanc = new Orthanc(config);
      const bar = progressBar(undefined, 'files');
      let count = 0;
      let failed = 0;
      const undo = async (instances: InstanceId[]) => {
        const answer = await askService(undoneTags, config, {
          method: 'POST',
          path: '/api/v1/tags/undo',
          body: { instances },
          timeoutMs: 600_000, // twenty large files of a busy Orthanc
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
        for await (const page of select(new Search(orthanc.rest), wanted, config.modalities)) {
          const written = page.filter((each) => Object.keys(tagsOf(each)?.written ?? {}).length > 0);
          const instances = written.map(({ ID }) => ID);
          if (dryRun) {
            bar.hide();
            for (const id of instances) console.log(id);
            count += instances.length;
          } else
            for (let at = 0; at < instances.length; at += mostUndone)
              await undo(instances.slice(at, at + mostUndone));
        }
      } finally {
        bar.stop();
        orthanc.close();
      }
      console.error(dryRun ? `${count} would be given back` : `${count} given back`);
      if (failed > 0) process.exitCode = 1;
    });
