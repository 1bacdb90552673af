import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { shipped } from '../../src/files/places.js';

/** Folder of real radiographs, which must not be in the repository. Without it, tests that need them are skipped. */
export const radiographsFolder = process.env.RADIOGRAPHS ?? shipped('..', 'shared', 'data', 'radiographs');

/** @returns up to `count` files, spread over all; none without the folder */
export function radiographs(count: number): string[] {
  const images = join(radiographsFolder, 'images');
  if (!existsSync(images)) {
    console.warn(
      `no radiographs at ${radiographsFolder}: name their folder in the environment variable RADIOGRAPHS`,
    );
    return [];
  }
  const files = readdirSync(images)
    .filter((name) => name.endsWith('.jpg'))
    .sort();
  const step = Math.max(Math.floor(files.length / count), 1);
  return files
    .filter((_, i) => i % step === 0)
    .slice(0, count)
    .map((name) => join(images, name));
}

export const goldenPictureFile = (name: string): Buffer =>
  readFileSync(shipped('testkit', 'golden', 'pictures', name));

export const modelFile = (name: string): string => shipped('model', name);

/** @returns up to `count` radiographs of the manifest with people's labels; none without the manifest */
export function labelledRadiographs(count: number): { path: string; label: string; source: string }[] {
  const manifest = join(radiographsFolder, 'manifest.csv');
  if (!existsSync(manifest)) return [];
  const lines = readFileSync(manifest, 'utf8').trim().split('\n').slice(1);
  const step = Math.max(Math.floor(lines.length / count), 1);
  return lines
    .filter((_, i) => i % step === 0)
    .slice(0, count)
    .map((line) => {
      const [, file = '', label = '', source = ''] = line.split(',');
      return { path: join(radiographsFolder, file), label, source };
    });
}
