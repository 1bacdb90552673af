import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { deriveKey } from '../access/keys.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/options.js';
import { createError } from '../errors/errors.js';
import { exportCorrections } from '../learn/export-corrections.js';
import { Orthanc } from '../orthanc/orthanc.js';
import { progressBar } from './progress.js';
import { parseSelection, queryOf } from './selection.js';

interface Options {
  keyFile?: string;
  query?: string[];
  from?: string;
  to?: string;
}

/** A key that is shorter could be guessed, and with it the pseudonyms of known identifiers. */
const leastKeyBytes = 16;

/** Exit status: 0 if all pictures were written, 1 if not, 2 if the call or the configuration is wrong. */
export const exportCorrectionsCommand = () =>
  new Command('export-corrections')
    .description('write the pictures about which people have decided, with labels.csv, under pseudonyms')
    .argument('<folder>', 'where to write them; call it again to continue or to update')
    .option(
      '--key-file <file>',
      'file with the secret from which pseudonyms are made (default: a key made from PLAINVIEW_SECRET)',
    )
    .option('--query <Tag=value...>', 'only instances with these DICOM attributes (StationName=ROOM*)')
    .option('--from <date>', 'only Study Dates from this day on (2026-01-31)')
    .option('--to <date>', 'only Study Dates up to this day')
    .action(async (folder: string, { keyFile, query, from, to }: Options) => {
      const config = loadConfig(process.env);
      const key = await keyOf(keyFile, config);
      const selection = parseSelection({ query: queryOf(query), from, to, all: true });
      const orthanc = new Orthanc(config);
      const bar = progressBar(undefined, 'pictures');
      const { pictures, kept, unnamed, burnedIn, failed } = await exportCorrections({
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
      for (const { instance, error } of failed) console.error(`${instance}: ${error.message}`);
      console.error(`${pictures} pictures, ${kept} of them from an earlier export; ${failed.length} failed`);
      if (unnamed > 0)
        console.error(
          `${unnamed} other pictures of earlier exports are in the folder, which labels.csv does not name: delete them if you do not need them.`,
        );
      if (burnedIn > 0)
        console.error(
          `${burnedIn} pictures say that text is burned into them (Burned In Annotation): labels.csv names them.`,
        );
      console.error(
        'Names can be burned into any picture. Look at all of them before you give them to anybody.',
      );
      process.exitCode = failed.length === 0 ? 0 : 1;
    });

/** @throws usage, file_unreadable */
async function keyOf(file: string | undefined, { secret }: Config): Promise<Buffer> {
  if (file === undefined) {
    if (secret !== undefined) return deriveKey(secret, 'pseudonym');
    throw createError('usage', {
      problem: 'pseudonyms need a secret: set PLAINVIEW_SECRET or give --key-file',
    });
  }
  const key = await readFile(file).catch((error: Error) => {
    throw createError('file_unreadable', { problem: error.message }, error);
  });
  if (key.length < leastKeyBytes)
    throw createError('usage', { problem: `${file} must hold ${leastKeyBytes} bytes or more` });
  return key;
}
