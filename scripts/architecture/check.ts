import { isBuiltin } from 'node:module';
import { type Architecture, type Room, roomOf } from './architecture.js';
import { type FileImports, readImports } from './imports.js';

/**
 * Compares the imports of a source tree with its architecture.
 * @returns one sentence for each violation
 */
export function check(root: string, architecture: Architecture): string[] {
  const imports = readImports(root);
  return [
    ...wrongRules(architecture),
    ...withoutRoom(imports, architecture),
    ...wrongImports(imports, architecture),
    ...circles(new Map([...imports].map(([file, { files }]) => [file, files]))).map(
      (circle) => `files import each other in a circle: ${circle.join(' → ')}`,
    ),
    ...wrongPackages(imports, architecture),
    ...reachesNode(imports, architecture),
  ];
}

/** Violations in the table of rooms itself. */
function wrongRules({ storeys, rooms, packages, withoutNode }: Architecture): string[] {
  const byPath = new Map(rooms.map((room) => [room.path, room]));
  const named = [
    ...rooms.flatMap(({ knows }) => knows),
    ...Object.values(packages).flat(),
    ...Object.keys(withoutNode),
  ];
  const up = rooms.flatMap((room) =>
    room.knows.flatMap((path) => {
      const to = byPath.get(path);
      const isUp = to !== undefined && storeys.indexOf(to.storey) < storeys.indexOf(room.storey);
      return isUp ? [`${place(room)} may not know ${place(to)}, which is above it`] : [];
    }),
  );
  return [
    ...rooms
      .filter(({ storey }) => !storeys.includes(storey))
      .map((room) => `${place(room)}: no such storey`),
    ...[...new Set(named)]
      .filter((path) => !byPath.has(path))
      .map((path) => `the rules name ${path}: no such room`),
    ...up,
    ...circles(new Map(rooms.map(({ path, knows }) => [path, knows]))).map(
      (circle) => `rooms may know each other in a circle: ${circle.join(' → ')}`,
    ),
  ];
}

function withoutRoom(imports: ReadonlyMap<string, FileImports>, { rooms }: Architecture): string[] {
  const files = [...imports.keys()];
  const roomsWithFiles = new Set(files.map((file) => roomOf(rooms, file)?.path));
  return [
    ...files.filter((file) => roomOf(rooms, file) === undefined).map((file) => `${file} lies in no room`),
    ...rooms.filter(({ path }) => !roomsWithFiles.has(path)).map(({ path }) => `the room ${path} is empty`),
  ];
}

function wrongImports(imports: ReadonlyMap<string, FileImports>, { rooms }: Architecture): string[] {
  return [...imports].flatMap(([file, { files, unresolved }]) => {
    const from = roomOf(rooms, file);
    const wrong = files.flatMap((target) => {
      const to = roomOf(rooms, target);
      if (from === undefined || to === undefined || from === to || from.knows.includes(to.path)) return [];
      return [`${file} imports ${target}: ${place(from)} may not know ${place(to)}`];
    });
    return [...unresolved.map((specifier) => `${file} imports ${specifier}: no such file`), ...wrong];
  });
}

function wrongPackages(
  imports: ReadonlyMap<string, FileImports>,
  { rooms, packages }: Architecture,
): string[] {
  return [...imports].flatMap(([file, { packages: used }]) =>
    used.flatMap((specifier) => {
      const name = packageOf(specifier);
      const allowed = packages[name] ?? packages[`${name.split('/')[0]}/*`];
      const room = roomOf(rooms, file)?.path;
      if (allowed === undefined || room === undefined || allowed.includes(room)) return [];
      return [`${file} imports ${specifier}: only ${allowed.join(', ')} may`];
    }),
  );
}

function reachesNode(
  imports: ReadonlyMap<string, FileImports>,
  { rooms, withoutNode }: Architecture,
): string[] {
  return [...imports.keys()].flatMap((file) => {
    const allowed = withoutNode[roomOf(rooms, file)?.path ?? ''];
    if (allowed === undefined) return [];
    return [...reachable(file, imports)].flatMap(([reached, path]) =>
      (imports.get(reached)?.packages ?? [])
        .filter((specifier) => isBuiltin(specifier) || !allowed.includes(packageOf(specifier)))
        .map((specifier) => `${file} reaches ${specifier}: ${path.join(' → ')}`),
    );
  });
}

/** The file itself and all files that it imports directly or indirectly, each with a shortest path of imports. */
function reachable(file: string, imports: ReadonlyMap<string, FileImports>): Map<string, string[]> {
  const paths = new Map([[file, [file]]]);
  // Iteration over a map includes entries that are added during the iteration.
  for (const [from, path] of paths)
    for (const to of imports.get(from)?.files ?? []) if (!paths.has(to)) paths.set(to, [...path, to]);
  return paths;
}

/** At least one circle, if there is any. */
function circles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const visit = (node: string, path: readonly string[]): void => {
    const begin = path.indexOf(node);
    if (begin !== -1) found.push([...path.slice(begin), node]);
    if (begin !== -1 || done.has(node)) return;
    for (const next of edges.get(node) ?? []) visit(next, [...path, node]);
    done.add(node);
  };
  for (const node of edges.keys()) visit(node, []);
  return found;
}

const place = ({ path, storey }: Room): string => `${path} (${storey})`;

const packageOf = (specifier: string): string =>
  specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
