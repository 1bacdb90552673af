import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Facts } from './facts.js';
import type { Runtime } from './node.js';
import { run } from './run.js';

const bom = z.looseObject({
  metadata: z.looseObject({ component: z.looseObject({ 'bom-ref': z.string() }) }),
  components: z.array(z.looseObject({ 'bom-ref': z.string() })),
  dependencies: z.array(z.looseObject({ ref: z.string(), dependsOn: z.array(z.string()).default([]) })),
});

/** By the folder of each package. */
const lockFile = z.object({ packages: z.record(z.string(), z.object({ version: z.string().optional() })) });

/** What is in a release besides npm's packages. */
const networks = ['model/plainview.pb', 'model/side.pb', 'model/mirrored.pb'];

/** The software bill of materials of a staged folder, in CycloneDX. The same folder always has the same one. */
export function sbomOf(folder: string, { version, commit, date }: Facts, runtime: Runtime): string {
  // Of the lock file: npm refuses a folder from which something was trimmed.
  const args = ['sbom', '--sbom-format=cyclonedx', '--omit=dev', '--package-lock-only'];
  const {
    metadata,
    components: locked,
    dependencies,
    ...rest
  } = bom.parse(JSON.parse(run('npm', args, { cwd: folder })));
  const present = packagesIn(folder);
  const components = locked.filter((each) => present.has(each['bom-ref']));
  const known = new Set([metadata.component['bom-ref'], ...components.map((each) => each['bom-ref'])]);
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
      dependencies: dependencies
        .filter(({ ref }) => known.has(ref))
        .map((each) => ({ ...each, dependsOn: each.dependsOn.filter((ref) => known.has(ref)) })),
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

/** The locked packages that the folder has, as npm's SBOM names them. */
function packagesIn(folder: string): Set<string> {
  const { packages } = lockFile.parse(JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')));
  return new Set(
    Object.entries(packages).flatMap(([path, { version }]) =>
      path !== '' && existsSync(join(folder, path))
        ? [`${path.split('node_modules/').at(-1)}@${version}`]
        : [],
    ),
  );
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
