import { Command } from 'commander';
import { Categories } from '../anatomy/categories.js';
import { loadConfig } from '../config/load.js';
import { explorer2Text } from './explorer2-configuration.js';

export const explorer2Command = () =>
  new Command('explorer2')
    .description("print a configuration for Orthanc Explorer 2 with Plainview's buttons and labels")
    .option('--without-plugin', "print it for an Orthanc without Plainview's Python plugin")
    .addHelpText('after', '\nThe labels have the prefix that PLAINVIEW_LABEL_PREFIX sets.')
    .action(({ withoutPlugin = false }: { withoutPlugin?: boolean }) => {
      const { labelPrefix, viewsFile } = loadConfig(process.env);
      process.stdout.write(explorer2Text(!withoutPlugin, Categories.read(viewsFile), labelPrefix));
    });
