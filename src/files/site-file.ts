import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { createError } from '../errors/errors.js';
import { fileProblem } from './file-problem.js';
import { type Path, problemsOf, readYaml } from './yaml.js';

/**
 * Reads a YAML file of the site.
 * @param option the variable that names the file, for messages
 * @param moreProblems what the shape cannot express
 * @throws config_invalid with every mistake and its line
 */
export function readSiteFile<T extends z.ZodType>(
  option: string,
  file: string,
  shape: T,
  moreProblems: (content: z.output<T>) => { path: Path; problem: string }[] = () => [],
): z.output<T> {
  const invalid = (problems: readonly string[], cause?: unknown) =>
    createError('config_invalid', { problems: problems.map((problem) => `${option}: ${problem}`) }, cause);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw invalid([fileProblem(file, error)], error);
  }
  const { content, errors, placeOf } = readYaml(text);
  if (errors.length > 0) throw invalid(errors.map((problem) => `${file}, ${problem}`));
  const parsed = shape.safeParse(content);
  const problems = parsed.success ? moreProblems(parsed.data) : problemsOf(parsed.error);
  if (parsed.success && problems.length === 0) return parsed.data;
  throw invalid(
    problems.map(({ path, problem }) => `${file}, ${placeOf(path)}: ${problem}`),
    parsed.error,
  );
}
