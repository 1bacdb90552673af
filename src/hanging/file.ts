import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { knownCategories } from '../anatomy/categories.js';
import { createError } from '../errors/errors.js';
import { shipped } from '../files/places.js';
import { type Path, problemsOf, readYaml } from '../files/yaml.js';
import { type Cell, type Hanging, overlap, type Protocol } from './protocol.js';

/** The protocols that come with Plainview. */
const shippedProtocols = shipped('orthanc', 'hanging.yaml');

/** Viewers' grids become useless long before. */
const most = 8;
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
        rows: z.array(z.array(z.string()).min(1).max(most)).min(1).max(most),
      }),
    ),
  },
  'must hold protocols, as orthanc/hanging.yaml does',
);
type Written = z.output<typeof fileShape>['protocols'][number];

type Complain = (path: Path, problem: string) => void;

/**
 * Reads hanging protocols.
 * @param path a YAML file as orthanc/hanging.yaml explains it; default: that very file
 * @param classes the network's; a protocol may also speak of any category that has codes
 * @throws config_invalid, naming every line that cannot be used
 */
export function readProtocols(path: string | undefined, classes: readonly string[]): Hanging {
  const categories = new Set(knownCategories(classes));
  const file = path ?? shippedProtocols;
  const yaml = readYaml(read(file));
  const problems: string[] = [];
  const say = (problem: string) => problems.push(`PLAINVIEW_HANGING_FILE: ${file}, ${problem}`);
  const complain: Complain = (at, problem) => say(`${yaml.lineOf(at)}: ${problem}`);
  for (const problem of yaml.errors) say(problem);
  const shape = problems.length > 0 ? undefined : fileShape.safeParse(yaml.content);
  if (shape?.error)
    for (const { path, problem } of problemsOf(shape.error)) say(`${yaml.placeOf(path)}: ${problem}`);
  const ids = new Set<string>();
  const protocols = (shape?.data?.protocols ?? []).flatMap((written, index) => {
    const at = ['protocols', index];
    const expanded = expand(written, at, categories, complain);
    for (const { id } of expanded) {
      if (ids.has(id)) complain([...at, 'id'], `protocol ${id} is there twice`);
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
    throw createError(
      'config_invalid',
      { problems: [`PLAINVIEW_HANGING_FILE: ${(error as Error).message}`] },
      error,
    );
  }
}

/** One protocol for each of its words, or itself. */
function expand(written: Written, at: Path, categories: ReadonlySet<string>, complain: Complain): Protocol[] {
  if (written.each !== undefined && !written.id.includes('$'))
    complain([...at, 'id'], `the id ${written.id} needs a $, as there is one protocol for each word`);
  if (written.each === undefined && JSON.stringify(written).includes('$'))
    complain(at, 'a $ stands here, but no words of `each` to put in its place');
  return (written.each ?? ['$']).map((each) => {
    const fill = (text: string) => text.replaceAll('$', each);
    const id = fill(written.id);
    const title = fill(written.title ?? written.id);
    const complainOf: Complain = (path, problem) => complain(path, `protocol ${id}: ${problem}`);
    return build({ id, title, rows: written.rows.map((row) => row.map(fill)) }, at, categories, complainOf);
  });
}

function build(
  { id, title, rows }: { id: string; title: string; rows: string[][] },
  at: Path,
  categories: ReadonlySet<string>,
  complain: Complain,
): Protocol {
  const columns = rows[0]?.length ?? 0;
  const cells: Cell[] = [];
  for (const [r, row] of rows.entries()) {
    if (row.length !== columns)
      complain([...at, 'rows', r], `a row of ${row.length} cells under one of ${columns}`);
    for (const [c, text] of row.entries()) {
      const path = [...at, 'rows', r, c];
      const place = { place: `${id}/${r * columns + c + 1}`, row: r + 1, column: c + 1 };
      const wanted = text === 'empty' ? undefined : readCell(text);
      if (wanted === undefined) {
        if (text !== 'empty')
          complain(path, `"${text}" is not a cell: [prior] [right|left] category, or empty`);
        continue;
      }
      if (!categories.has(wanted.category))
        complain(path, `${wanted.category} is none of the network's categories`);
      const cell = { ...place, ...wanted };
      if (cells.some((other) => overlap(other, cell)))
        complain(path, `the same picture could go into "${text}" and into another cell`);
      cells.push(cell);
    }
  }
  for (const cell of cells.filter(({ prior }) => prior))
    if (!cells.some((other) => !other.prior && other.category === cell.category && other.side === cell.side))
      complain(at, `a prior ${cell.category} without a current one to compare`);
  if (cells.every(({ prior }) => prior)) complain(at, 'no cell for a picture of the study itself');
  return { id, title, rows: rows.length, columns, cells };
}

/** @returns undefined where the text is no cell */
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
