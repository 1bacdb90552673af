import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { picture } from '../../../scripts/architecture/picture.js';
import { plainview, tools } from '../../../scripts/architecture/rooms.js';

test('the picture of the rooms is drawn from the table: `npm run docs` makes it anew', () => {
  expect(readFileSync('docs/architecture.svg', 'utf8')).toBe(picture(plainview, tools));
});

/** Paths from the root in backticks, and links relative to the document. */
function pathsOf(document: string): string[] {
  const text = readFileSync(document, 'utf8');
  const quoted = [...text.matchAll(/`([\w.-]+\/[\w./-]*)`/g)].map(([, path = '']) => path);
  const links = [...text.matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)].map(([, path = '']) =>
    join(dirname(document), path),
  );
  return [...quoted, ...links];
}

const decisions = readdirSync('docs/decisions').map((file) => `docs/decisions/${file}`);

test.each(['docs/architecture.md', 'CONTRIBUTING.md', ...decisions])(
  '%s names only what there is',
  (document) => {
    const paths = pathsOf(document);
    expect(paths.length).toBeGreaterThan(0);
    expect(paths.filter((path) => !existsSync(path))).toEqual([]);
  },
);
