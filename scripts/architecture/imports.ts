import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';

/** Imports of one file, including imports of types only. */
export interface FileImports {
  /** Files of the same tree, relative to its root. */
  files: readonly string[];
  /** Packages and modules of Node.js (`node:fs`), as the file writes them. */
  packages: readonly string[];
  /** Relative imports that do not lead to a file of the tree. */
  unresolved: readonly string[];
}

/** Reads the imports of all TypeScript files below a folder. */
export function readImports(root: string): Map<string, FileImports> {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => /\.tsx?$/.test(file))
    .sort();
  return new Map(files.map((file) => [file, importsOf(root, file)]));
}

function importsOf(root: string, file: string): FileImports {
  const files = new Set<string>();
  const packages = new Set<string>();
  const unresolved = new Set<string>();
  for (const specifier of specifiersOf(root, file)) {
    if (!specifier.startsWith('.')) {
      packages.add(specifier);
      continue;
    }
    const target = posix.join(posix.dirname(file), specifier).replace(/\.js$/, '');
    const names = target.endsWith('.json') ? [target] : [`${target}.ts`, `${target}.tsx`];
    const found = names.find((each) => existsSync(posix.join(root, each)));
    if (found === undefined || found.startsWith('../')) unresolved.add(specifier);
    else files.add(found);
  }
  return { files: [...files], packages: [...packages], unresolved: [...unresolved] };
}

/** The specifiers of a file's `import`, `export … from`, `import()`, and `import('…')` in types. */
function specifiersOf(root: string, file: string): string[] {
  const { program, errors } = parseSync(file, readFileSync(posix.join(root, file), 'utf8'));
  if (errors[0] !== undefined) throw new Error(`${file}: ${errors[0].message}`);
  const found: string[] = [];
  const add = ({ source }: { source: { type: string; value?: unknown } | null }) => {
    if (source?.type === 'Literal' && typeof source.value === 'string') found.push(source.value);
  };
  new Visitor({
    ImportDeclaration: add,
    ExportNamedDeclaration: add,
    ExportAllDeclaration: add,
    ImportExpression: add,
    TSImportType: add,
  }).visit(program);
  return found;
}
