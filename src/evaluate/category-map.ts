import { readFile } from 'node:fs/promises';
import { otherClass } from '../classify/decide.js';
import { createError } from '../errors/errors.js';
import { fileProblem } from '../files/file-problem.js';
import { locationOf, readTable } from './table.js';

/**
 * Reads a site's own names of categories: a CSV or TSV file with the columns `label` and `category`. Labels of none
 * of the categories are mapped to `other`.
 * @param known all categories of all networks, or what else may be named
 * @throws labels_invalid, with line and column; file_unreadable
 */
export async function readCategoryMap(
  path: string,
  known: Pick<ReadonlySet<string>, 'has'>,
): Promise<ReadonlyMap<string, string>> {
  const content = await readFile(path).catch((error: unknown) => {
    throw createError('file_unreadable', { problem: fileProblem(path, error) }, error);
  });
  const map = new Map<string, string>();
  for (const row of readTable(path, content, ['label', 'category']).rows) {
    const [label, category] = [row.required('label'), row.required('category')];
    const invalid = (column: string, problem: string) =>
      createError('labels_invalid', { file: path, where: locationOf(row.line, column), problem });
    if (map.has(label)) throw invalid('label', `"${label}" is mapped already`);
    if (category !== otherClass && !known.has(category))
      throw invalid('category', `"${category}" is no category of the network, nor "${otherClass}"`);
    map.set(label, category);
  }
  return map;
}
