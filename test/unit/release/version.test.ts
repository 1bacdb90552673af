import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { version } from '../../../src/config/version.js';
import { shipped } from '../../../src/files/places.js';

const read = (...path: string[]) => readFileSync(shipped(...path), 'utf8');

test('changelog, lock file and manifests are those of the version', () => {
  expect(/^## ([^\s,]+)/m.exec(read('CHANGELOG.md'))?.[1]).toBe(version);
  expect(JSON.parse(read('package-lock.json'))).toMatchObject({ version, packages: { '': { version } } });
  const folder = ['deploy', 'kubernetes'];
  const images = readdirSync(shipped(...folder)).flatMap(
    (file) => read(...folder, file).match(/example\/plainview:\S+/g) ?? [],
  );
  expect(images.length).toBeGreaterThan(2);
  for (const image of images) expect(image).toBe(`example/plainview:${version}`);
});
