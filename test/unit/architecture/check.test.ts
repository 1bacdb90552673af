import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Architecture } from '../../../scripts/architecture/architecture.js';
import { check } from '../../../scripts/architecture/check.js';
import { plainview } from '../../../scripts/architecture/rooms.js';

test('every import of Plainview goes where its room may go', () => {
  expect(check('src', plainview)).toEqual([]);
});

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

/** A tree with one file in each room, and what is given; `undefined` leaves a file out. */
function tree(files: Readonly<Record<string, string | undefined>> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'plainview-architecture-'));
  roots.push(root);
  const all: typeof files = {
    'main.ts': "import './door/door.js';",
    'door/door.ts': "import { work } from '../work/work.js';\nexport const door = work;",
    'work/work.ts': "import type { Ground } from '../ground/ground.js';\nexport const work: Ground = 1;",
    'work/part/part.ts': "import { work } from '../work.js';\nexport const part = work;",
    'shapes/shapes.ts': "import { z } from 'zod';\nexport const shape = z.string();",
    'ground/ground.ts': "import 'node:fs';\nexport type Ground = number;\nexport const ground = 1;",
    ...files,
  };
  for (const [file, text] of Object.entries(all)) {
    if (text === undefined) continue;
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return root;
}

const room = (path: string, storey: string, knows: string[]) => ({ path, storey, job: '', knows });
const rules: Architecture = {
  storeys: ['top', 'middle', 'bottom'],
  rooms: [
    room('main.ts', 'top', ['door']),
    room('door', 'top', ['work', 'ground']),
    room('work', 'middle', ['shapes', 'ground']),
    room('work/part', 'middle', ['work']),
    room('shapes', 'middle', ['ground']),
    room('ground', 'bottom', []),
  ],
  packages: { express: ['door'], '@preact/*': ['door'] },
  withoutNode: { shapes: ['zod'] },
};

test('a tree that keeps to the rules has no violations', () => {
  expect(
    check(tree({ 'door/view.tsx': "import 'express';\nexport const view = <p>{1}</p>;" }), rules),
  ).toEqual([]);
});

test.each([
  ['an import', "import { door } from '../door/door.js';\nexport const x = door;"],
  ['an import of types', "import type { door } from '../door/door.js';\nexport type X = typeof door;"],
  [
    'an import of types among values',
    "import { type door } from '../door/door.js';\nexport type X = typeof door;",
  ],
  ['import() as a type', "export type X = typeof import('../door/door.js');"],
  ['import()', "export const x = () => import('../door/door.js');"],
  ['export … from', "export { door } from '../door/door.js';"],
  ['export type … from', "export type { door } from '../door/door.js';"],
  ['export * from', "export * from '../door/door.js';"],
  ['an import of side effects', "import '../door/door.js';"],
])('%s that goes up is a violation', (_name, text) => {
  expect(check(tree({ 'ground/up.ts': text }), rules)).toEqual([
    'ground/up.ts imports door/door.ts: ground (bottom) may not know door (top)',
  ]);
});

test('a room within another is a room of its own', () => {
  const up = "import { part } from './part/part.js';\nexport const x = part;";
  expect(check(tree({ 'work/up.ts': up }), rules)).toEqual([
    'work/up.ts imports work/part/part.ts: work (middle) may not know work/part (middle)',
  ]);
});

test('sideways goes only what is stated', () => {
  const sideways = "import { work } from '../work/work.js';\nexport const x = work;";
  expect(check(tree({ 'shapes/sideways.ts': sideways }), rules)).toContain(
    'shapes/sideways.ts imports work/work.ts: shapes (middle) may not know work (middle)',
  );
});

test('a circle of files is a violation within one room too, of types alone too', () => {
  const files = {
    'work/a.ts': "import type { B } from './b.js';\nexport type A = B;",
    'work/b.ts': "import { c } from './c.js';\nexport type B = typeof c;",
    'work/c.ts': "import type { A } from './a.js';\nexport const c: A | 1 = 1;",
  };
  expect(check(tree(files), rules)).toEqual([
    'files import each other in a circle: work/a.ts → work/b.ts → work/c.ts → work/a.ts',
  ]);
});

test('a file in no room, a room without a file and an import of no file are violations', () => {
  expect(check(tree({ 'attic/attic.ts': '', 'work/part/part.ts': undefined }), rules)).toEqual([
    'attic/attic.ts lies in no room',
    'the room work/part is empty',
  ]);
  expect(check(tree({ 'work/lost.ts': "import './gone.js';\nimport '../../outside.js';" }), rules)).toEqual([
    'work/lost.ts imports ./gone.js: no such file',
    'work/lost.ts imports ../../outside.js: no such file',
  ]);
});

test('data of a room may be imported where the room may be known', () => {
  const files = { 'work/words.json': '{}', 'work/own.ts': "import './words.json';\nimport './gone.json';" };
  expect(check(tree(files), rules)).toEqual(['work/own.ts imports ./gone.json: no such file']);
});

test('a package that is kept to some rooms is a violation in others', () => {
  const files = {
    'work/web.ts': "import type { Request } from 'express';\nimport '@preact/signals/x';\nimport 'zod';",
  };
  expect(check(tree(files), rules)).toEqual([
    'work/web.ts imports express: only door may',
    'work/web.ts imports @preact/signals/x: only door may',
  ]);
});

test('a room without Node.js reaches none through others either', () => {
  const files = {
    'shapes/deep.ts': "import { ground } from '../ground/ground.js';\nexport const deep = ground;",
    'shapes/shapes.ts': "import 'fs';\nimport 'zod/mini';\nimport 'axios';",
  };
  expect(check(tree(files), rules)).toEqual([
    'shapes/deep.ts reaches node:fs: shapes/deep.ts → ground/ground.ts',
    'shapes/shapes.ts reaches fs: shapes/shapes.ts',
    'shapes/shapes.ts reaches axios: shapes/shapes.ts',
  ]);
});

test('the rules themselves may not go up, nor in a circle, nor name what there is not', () => {
  const rooms = [
    ...rules.rooms.slice(0, -2),
    room('shapes', 'middle', ['work', 'cellar']),
    room('ground', 'bottom', ['shapes']),
  ];
  expect(check(tree(), { ...rules, rooms })).toEqual([
    'the rules name cellar: no such room',
    'ground (bottom) may not know shapes (middle), which is above it',
    'rooms may know each other in a circle: work → shapes → work',
  ]);
});
