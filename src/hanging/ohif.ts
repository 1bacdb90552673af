import { readFileSync } from 'node:fs';
import { shipped } from '../files/places.js';
import type { Protocol } from './protocol.js';

/** The file of the configuration for Orthanc's OHIF plugin that comes with Plainview. */
const shippedScript = shipped('orthanc', 'ohif.js');

/** @returns OHIF's configuration with its modalities and protocols replaced by these */
export function ohifConfiguration(
  protocols: readonly Protocol[],
  modalities: readonly string[],
  script = readFileSync(shippedScript, 'utf8'),
): string {
  const lines = protocols.map(({ cells, ...protocol }) =>
    // The viewer needs only the positions of the cells.
    JSON.stringify({
      ...protocol,
      cells: cells.map(({ place, row, column, prior }) => ({ place, row, column, prior })),
    }),
  );
  const named = script.replace(/(const modalities = ).*;/, `$1${JSON.stringify(modalities)};`);
  return named.replace(
    /(const protocols = \[\n)[\s\S]*?( *\];\n *\/\/ End of what is written)/,
    (_all, begin: string, end: string) => `${begin}${lines.map((line) => `    ${line},\n`).join('')}${end}`,
  );
}
