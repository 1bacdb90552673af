import { Command } from 'commander';
import { Categories } from '../anatomy/categories.js';
import { loadNetwork } from '../classify/network.js';
import { loadConfig } from '../config/load.js';
import { readProtocols } from '../hanging/file.js';
import { ohifConfiguration } from '../hanging/ohif.js';
import { filesInUse } from '../networks/choice.js';

export const ohifCommand = () =>
  new Command('ohif')
    .description(
      "print a configuration for Orthanc's OHIF plugin with the hanging protocols of PLAINVIEW_HANGING_FILE and the modalities of PLAINVIEW_MODALITIES",
    )
    .action(async () => {
      const config = loadConfig(process.env);
      const { network } = await loadNetwork(await filesInUse(config));
      const categories = Categories.read(config.viewsFile);
      categories.declare(network.views);
      const { protocols } = readProtocols(config.hangingFile, categories, network.classes);
      process.stdout.write(ohifConfiguration(protocols, config.modalities));
    });
