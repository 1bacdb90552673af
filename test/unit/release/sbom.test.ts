import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sbomOf } from '../../../scripts/release/sbom.js';
import { sbomProblems } from '../../../testkit/sbom.js';

test('the SBOM of a release is valid CycloneDX, names the commit, Node.js, the networks and what was not trimmed, and is the same each time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'plainview-sbom-'));
  const manifest = { name: 'plainview', version: '1.2.3', license: 'Apache-2.0' };
  const dependencies = { used: '1.0.0' };
  const packages = {
    '': { ...manifest, dependencies },
    'node_modules/used': { version: '1.0.0', dependencies: { trimmed: '2.0.0' } },
    'node_modules/trimmed': { version: '2.0.0' },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, dependencies }));
  writeFileSync(
    join(folder, 'package-lock.json'),
    JSON.stringify({ ...manifest, lockfileVersion: 3, packages }),
  );
  mkdirSync(join(folder, 'node_modules', 'used'), { recursive: true });
  mkdirSync(join(folder, 'model'));
  for (const name of ['plainview', 'side', 'mirrored'])
    writeFileSync(join(folder, 'model', `${name}.pb`), 'network');
  const make = () =>
    sbomOf(
      folder,
      { version: '1.2.3', commit: 'abcdef', date: 1_700_000_000 },
      { version: '24.1.0', program: '', license: '' },
    );
  const text = make();
  expect(await sbomProblems(text)).toBeNull();
  const { components, metadata, dependencies: graph } = JSON.parse(text) as Record<string, object>;
  expect(metadata).toMatchObject({ component: { properties: [{ value: 'abcdef' }] } });
  expect(components).toMatchObject([
    { 'bom-ref': 'used@1.0.0' },
    { purl: 'pkg:generic/node@24.1.0' },
    { name: 'model/plainview.pb' },
    { name: 'model/side.pb' },
    { name: 'model/mirrored.pb' },
  ]);
  expect(graph).toEqual([
    { ref: 'plainview@1.2.3', dependsOn: ['used@1.0.0'] },
    { ref: 'used@1.0.0', dependsOn: [] },
  ]);
  expect(make()).toBe(text);
  expect(await sbomProblems(text.replace('"platform"', '"plattform"'))).not.toBeNull();
  rmSync(folder, { recursive: true });
});
