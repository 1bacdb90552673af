import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Facts } from './facts.js';
import type { Runtime } from './node.js';
import { run } from './run.js';

const bom = z.looseObject({
  metadata: z.looseObject({ component: z.looseObject({}) }),
  components: z.array(z.looseObject({ 'bom-ref': z.string() })),
});

/** What is in a release besides npm's packages. */
const networks = ['model/plainview.pb'];

/** The software bill of materials of a staged folder, in CycloneDX. The same folder always has the same one. */
export function sbomOf(folder: string, { version, commit, date }: Facts, runtime: Runtime): string {
  const { metadata, components, ...rest } = bom.parse(
    JSON.parse(run('npm', ['sbom', '--sbom-format=cyclonedx', '--omit=dev'], { cwd: folder })),
  );
  const text = JSON.stringify(
    {
      ...rest,
      // npm puts a random number there.
      serialNumber: `urn:uuid:${uuidOf(`${version} ${commit} ${JSON.stringify(components)}`)}`,
      metadata: {
        ...metadata,
        timestamp: new Date(date * 1000).toISOString(),
        component: {
          ...metadata.component,
          type: 'application',
          name: 'plainview',
          properties: [{ name: 'plainview:commit', value: commit }],
        },
      },
      components: [
        ...components,
        {
          'bom-ref': `node@${runtime.version}`,
          type: 'platform',
          name: 'node',
          version: runtime.version,
          description: 'Node.js: in the package and in the archive that has it in its name',
          scope: 'optional',
          licenses: [{ license: { id: 'MIT' } }],
          purl: `pkg:generic/node@${runtime.version}`,
        },
        ...networks.map((file) => ({
          'bom-ref': file,
          type: 'machine-learning-model',
          name: file,
          version,
          hashes: [{ alg: 'SHA-256', content: sha256(readFileSync(join(folder, file))) }],
        })),
      ],
    },
    null,
    1,
  );
  return `${text}\n`;
}

export const sha256 = (content: Buffer | string): string =>
  createHash('sha256').update(content).digest('hex');

/** A UUID of version 8: made of a hash. */
function uuidOf(text: string): string {
  const hex = sha256(text);
  const variant = (Number.parseInt(hex.slice(16, 17), 16) % 4) + 8;
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant.toString(16)}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
