// `npm run docs`: writes the generated parts of the README, `docs/errors.md`, `docs/network.schema.json`, `model/self-test.json`, the picture of the rooms, and the files of
// `orthanc/` for Orthanc Explorer 2 and OHIF. Tests fail if one of them is out of date.
import { readFileSync, writeFileSync } from 'node:fs';
import { Categories } from '../src/anatomy/categories.js';
import { explorer2Files, explorer2Text } from '../src/commands/explorer2-configuration.js';
import { options } from '../src/config/options.js';
import { insertOptionsTable } from '../src/config/readme-table.js';
import { readProtocols } from '../src/hanging/file.js';
import { ohifConfiguration } from '../src/hanging/ohif.js';
import { picture } from './architecture/picture.js';
import { plainview, tools } from './architecture/rooms.js';
import { doctorPage } from './doctor-page.js';
import { errorsPage } from './errors-page.js';
import { networkSchema } from './network-schema.js';
import { selfTestAnswers } from './self-test-answers.js';

const categories = Categories.read();

const readme = new URL('../README.md', import.meta.url);
writeFileSync(readme, insertOptionsTable(readFileSync(readme, 'utf8')));

writeFileSync(new URL('../docs/errors.md', import.meta.url), errorsPage());
writeFileSync(new URL('../docs/doctor.md', import.meta.url), doctorPage());
writeFileSync(new URL('../docs/network.schema.json', import.meta.url), networkSchema());
writeFileSync(new URL('../model/self-test.json', import.meta.url), selfTestAnswers());

for (const [file, plugin] of Object.entries(explorer2Files))
  writeFileSync(new URL(`../orthanc/${file}`, import.meta.url), explorer2Text(plugin, categories));

const ohif = new URL('../orthanc/ohif.js', import.meta.url);
writeFileSync(
  ohif,
  ohifConfiguration(
    readProtocols(undefined, categories, []).protocols,
    options.shape.modalities.parse(undefined),
  ),
);

writeFileSync(new URL('../docs/architecture.svg', import.meta.url), picture(plainview, tools));
