import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Categories } from '../anatomy/categories.js';
import { isPaired } from '../anatomy/laterality.js';
import { createError } from '../errors/errors.js';
import { fileProblem } from '../files/file-problem.js';
import { shipped } from '../files/places.js';
import { type Path, problemsOf, readYaml } from '../files/yaml.js';
import { type Cell, type Hanging, overlap, type Protocol } from './protocol.js';

/** The file of protocols that comes with Plainview. */
const shippedProtocols = shipped('orthanc', 'hanging.yaml');

/** Limits rows and columns. */
const maxGridSize = 8;
const word = z.string().regex(/^[A-Za-z0-9_$-]{1,64}$/, 'may hold letters, digits, _ and -');
const fileShape = z.strictObject(
  {
    leastScore: z.number().min(0).max(1).default(0.9),
    priors: z
      .strictObject({
        years: z.number().int().min(1).max(100).default(10),
        studies: z.number().int().min(1).max(50).default(8),
      })
      .prefault({}),
    protocols: z.array(
      z.strictObject({
        id: word,
        title: z.string().min(1).optional(),
        each: z.array(word).min(1).optional(),
        rows: z.array(z.array(z.string()).min(1).max(maxGridSize)).min(1).max(maxGridSize),
      }),
    ),
  },
  'must hold protocols, as orthanc/hanging.yaml does',
);
type ProtocolInFile = z.output<typeof fileShape>['protocols'][number];

/** Whether its body part has sides, by name of a category. */
type Known = ReadonlyMap<string, boolean>;
type AddProblem = (path: Path, problem: string) => void;

/**
 * Reads hanging protocols.
 * @param path a YAML file in the format that orthanc/hanging.yaml explains; default: that file
 * @param classes the categories of the network; a protocol may also use every other one that has codes
 * @throws config_invalid with every mistake and its line
 */
export function readProtocols(
  path: string | undefined,
  categories: Categories,
  classes: readonly string[],
): Hanging {
  const known: Known = new Map(
    categories.known(classes).map((name) => [name, isPaired(categories.codesOf(name))] as const),
  );
  const file = path ?? shippedProtocols;
  const yaml = readYaml(read(file));
  const problems: string[] = [];
  const addFileProblem = (problem: string) => problems.push(`PLAINVIEW_HANGING_FILE: ${file}, ${problem}`);
  const addProblem: AddProblem = (at, problem) => addFileProblem(`${yaml.lineOf(at)}: ${problem}`);
  for (const problem of yaml.errors) addFileProblem(problem);
  const shape = problems.length > 0 ? undefined : fileShape.safeParse(yaml.content);
  if (shape?.error)
    for (const { path, problem } of problemsOf(shape.error))
      addFileProblem(`${yaml.placeOf(path)}: ${problem}`);
  const ids = new Set<string>();
  const protocols = (shape?.data?.protocols ?? []).flatMap((written, index) => {
    const at = ['protocols', index];
    const expanded = expand(written, at, known, addProblem);
    for (const { id } of expanded) {
      if (ids.has(id)) addProblem([...at, 'id'], `protocol ${id} is there twice`);
      ids.add(id);
    }
    return expanded;
  });
  if (shape?.data === undefined || problems.length > 0) throw createError('config_invalid', { problems });
  return { ...shape.data, protocols };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const problem = `PLAINVIEW_HANGING_FILE: ${fileProblem(file, error)}`;
    throw createError('config_invalid', { problems: [problem] }, error);
  }
}

/** Makes a protocol for each word of `each`. Without `each`, makes one. */
function expand(written: ProtocolInFile, at: Path, known: Known, addProblem: AddProblem): Protocol[] {
  if (written.each !== undefined && !written.id.includes('$'))
    addProblem([...at, 'id'], `the id ${written.id} needs a $, as there is one protocol for each word`);
  if (written.each === undefined && JSON.stringify(written).includes('$'))
    addProblem(at, 'a $ stands here, but no words of `each` to put in its place');
  return (written.each ?? ['$']).map((each) => {
    const fill = (text: string) => text.replaceAll('$', each);
    const id = fill(written.id);
    const title = fill(written.title ?? written.id);
    const addProblemOfProtocol: AddProblem = (path, problem) =>
      addProblem(path, `protocol ${id}: ${problem}`);
    return build(
      { id, title, rows: written.rows.map((row) => row.map(fill)) },
      at,
      known,
      addProblemOfProtocol,
    );
  });
}

function build(
  { id, title, rows }: { id: string; title: string; rows: string[][] },
  at: Path,
  known: Known,
  addProblem: AddProblem,
): Protocol {
  const columns = rows[0]?.length ?? 0;
  const cells: Cell[] = [];
  for (const [r, row] of rows.entries()) {
    if (row.length !== columns)
      addProblem([...at, 'rows', r], `a row of ${row.length} cells under one of ${columns}`);
    for (const [c, text] of row.entries()) {
      const path = [...at, 'rows', r, c];
      const place = { place: `${id}/${r * columns + c + 1}`, row: r + 1, column: c + 1 };
      const wanted = text === 'empty' ? undefined : readCell(text);
      if (wanted === undefined) {
        if (text !== 'empty')
          addProblem(path, `"${text}" is not a cell: [prior] [right|left] category, or empty`);
        continue;
      }
      const isPaired = known.get(wanted.category);
      if (isPaired === undefined)
        addProblem(
          path,
          `${wanted.category} is no category of the network, no standard view and none of the site's`,
        );
      const cell = { ...place, ...wanted, isPaired: isPaired ?? true };
      if (cells.some((other) => overlap(other, cell)))
        addProblem(path, `the same picture could go into "${text}" and into another cell`);
      cells.push(cell);
    }
  }
  for (const cell of cells.filter(({ prior }) => prior))
    if (!cells.some((other) => !other.prior && other.category === cell.category && other.side === cell.side))
      addProblem(at, `a prior ${cell.category} without a current one to compare`);
  if (cells.every(({ prior }) => prior)) addProblem(at, 'no cell for a picture of the study itself');
  return { id, title, rows: rows.length, columns, cells };
}

/** @returns undefined where the text does not describe a cell */
function readCell(text: string): Pick<Cell, 'category' | 'prior' | 'side'> | undefined {
  const words = /^(prior )?(?:(right|left) )?([A-Za-z0-9_-]+)$/.exec(text.trim().replace(/\s+/g, ' '));
  if (words === null) return undefined;
  const [, prior, side, category = ''] = words;
  return {
    category,
    prior: prior !== undefined,
    ...(side === undefined ? {} : { side: side === 'right' ? ('R' as const) : ('L' as const) }),
  };
}
