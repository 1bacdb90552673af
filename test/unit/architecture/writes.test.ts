import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import { expect, test } from 'vitest';
import { readImports } from '../../../scripts/architecture/imports.js';

const part = 'writes what `replaceFile` gives it, which syncs and renames it';
/** Files outside `src/files/` that may change the disk themselves, and why no power cut can hurt there. */
const mayWrite: Record<string, string> = {
  'store/folder-store.ts': part,
  'learn/export-pictures.ts': part,
  'select/copies.ts': part,
  'commands/evaluate.ts': part,
  'commands/find.ts': part,
  'commands/find-output.ts': part,
  'commands/report.ts': part,
  'commands/rules.ts': part,
  'learn/new-network.ts': 'writes what `replaceFolder` gives it, which syncs and renames it',
  'classify/feature-cache.ts': 'writes a part with its hash: what a power cut damages is computed again',
  'classify/fetch.ts': 'writes a part, whose hash is verified before `renameDurably`',
  'access/audit.ts': 'makes the file and syncs its folder; appends, and syncs what it appends (`flush`)',
  'classify/workers/received-pictures.ts': 'reads pictures from a pipe',
  'classify/workers/worker.ts': 'gives itself to the kernel to end first where memory is short',
  'store/in-work.ts': 'is about processes that end: a power cut is no fault of a picture',
  'store/folder-lock.ts': 'sockets: nobody listens to them after a power cut',
  'sandbox/child.ts': 'opens the log of what the sandbox starts',
  'sandbox/debian.ts': 'an Orthanc for tests and the demo, which is made again',
  'sandbox/docker.ts': 'an Orthanc for tests and the demo, which is made again',
  'sandbox/orthanc.ts': 'an Orthanc for tests and the demo, which is made again',
  'sandbox/plain-path.ts': 'an Orthanc for tests and the demo, which is made again',
  'sandbox/postgresql.ts': 'opens a log, and removes it',
  'sandbox/several.ts': 'removes what was made for a trial',
};

/** What `node:fs` has that changes nothing. `createReadStream`, … */
const reads =
  /^(access|accessSync|closeSync|constants|createReadStream|existsSync|readFile|readFileSync|readdir|readdirSync|stat|statSync|statfs)$/;

test('nothing writes, renames or removes but through src/files/, which syncs', () => {
  const root = 'src';
  const writers = [...readImports(root)]
    .filter(
      ([file, { packages }]) =>
        !file.startsWith('files/') && packages.some((name) => /^(node:)?fs\b/.test(name)),
    )
    .filter(([file]) => importedFromFs(join(root, file)).some((name) => !reads.test(name)))
    .map(([file]) => file);
  expect(writers.toSorted()).toEqual(Object.keys(mayWrite).toSorted());
});

/** The names; `*` for the whole module. */
function importedFromFs(file: string): string[] {
  const found: string[] = [];
  new Visitor({
    ImportDeclaration: ({ source, specifiers }) => {
      if (!/^(node:)?fs\b/.test(source.value)) return;
      for (const each of specifiers)
        found.push(
          each.type === 'ImportSpecifier' && each.imported.type === 'Identifier' ? each.imported.name : '*',
        );
    },
    ImportExpression: ({ source }) => {
      if (source.type === 'Literal' && /^(node:)?fs\b/.test(String(source.value))) found.push('*');
    },
  }).visit(parseSync(file, readFileSync(file, 'utf8')).program);
  return found;
}
