import { Command } from 'commander';
import { loadConfig } from '../config/load.js';
import { exportCorrections } from '../learn/export-corrections.js';
import { Orthanc } from '../orthanc/orthanc.js';
import { reportExported } from './exported-pictures.js';
import { progressBar } from './progress.js';
import { keyFileOption, pseudonymKey } from './pseudonym-key.js';
import { parseSelection, queryOf } from './selection.js';

interface Options {
  keyFile?: string;
  query?: string[];
  from?: string;
  to?: string;
}

/** Exit status: 0 if all pictures were written, 1 if not, 2 if the call or the configuration is wrong. */
export const exportCorrectionsCommand = () =>
  new Command('export-corrections')
    .description('write the pictures about which people have decided, with labels.csv, under pseudonyms')
    .argument('<folder>', 'where to write them; call it again to continue or to update')
    .option(...keyFileOption)
    .option('--query <Tag=value...>', 'only instances with these DICOM attributes (StationName=ROOM*)')
    .option('--from <date>', 'only Study Dates from this day on (2026-01-31)')
    .option('--to <date>', 'only Study Dates up to this day')
    .action(async (folder: string, { keyFile, query, from, to }: Options) => {
      const config = loadConfig(process.env);
      const key = await pseudonymKey(keyFile, config);
      const selection = parseSelection({ query: queryOf(query), from, to, all: true });
      const orthanc = new Orthanc(config);
      const bar = progressBar(undefined, 'pictures');
      const exported = await exportCorrections({
        orthanc,
        selection,
        config,
        key,
        folder,
        onPicture: () => bar.advance(),
      }).finally(() => {
        bar.stop();
        orthanc.close();
      });
      process.exitCode = reportExported(exported);
    });
