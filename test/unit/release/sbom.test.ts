import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sbomOf } from '../../../scripts/release/sbom.js';
import { sbomProblems } from '../../../testkit/sbom.js';

test('the SBOM of a release is valid CycloneDX, names the commit, Node.js and the network, and is the same each time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'plainview-sbom-'));
  const manifest = { name: 'plainview', version: '1.2.3', license: 'Apache-2.0' };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(
    join(folder, 'package-lock.json'),
    JSON.stringify({ ...manifest, lockfileVersion: 3, packages: { '': manifest } }),
  );
  mkdirSync(join(folder, 'model'));
  writeFileSync(join(folder, 'model', 'plainview.pb'), 'network');
  const make = () =>
    sbomOf(
      folder,
      { version: '1.2.3', commit: 'abcdef', date: 1_700_000_000 },
      { version: '24.1.0', program: '', license: '' },
    );
  const text = make();
  expect(await sbomProblems(text)).toBeNull();
  const { components, metadata } = JSON.parse(text) as Record<string, object>;
  expect(metadata).toMatchObject({ component: { properties: [{ value: 'abcdef' }] } });
  expect(components).toMatchObject([{ purl: 'pkg:generic/node@24.1.0' }, { name: 'model/plainview.pb' }]);
  expect(make()).toBe(text);
  expect(await sbomProblems(text.replace('"platform"', '"plattform"'))).not.toBeNull();
  rmSync(folder, { recursive: true });
});
