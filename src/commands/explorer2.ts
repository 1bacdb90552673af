import { Command } from 'commander';
import { loadConfig } from '../config/load.js';
import { explorer2Text } from './explorer2-configuration.js';

export const explorer2Command = () =>
  new Command('explorer2')
    .description(
      "print Orthanc Explorer 2's configuration: Plainview's buttons, and its labels to choose from",
    )
    .option('--without-plugin', "for an Orthanc without Plainview's Python plugin")
    .addHelpText('after', '\nLabels carry the prefix that PLAINVIEW_LABEL_PREFIX names.')
    .action(({ withoutPlugin = false }: { withoutPlugin?: boolean }) => {
      process.stdout.write(explorer2Text(!withoutPlugin, loadConfig(process.env).labelPrefix));
    });
