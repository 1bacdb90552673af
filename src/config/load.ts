import { readFileSync } from 'node:fs';
import { createError } from '../errors/errors.js';
import { fileProblem } from '../files/file-problem.js';
import {
  type Config,
  foreignVariables,
  type OptionName,
  options,
  secretOptions,
  variableOf,
} from './options.js';

const names = Object.keys(options.shape) as OptionName[];
const fileVariable = (name: OptionName) => `${variableOf(name)}_FILE`;

/**
 * Reads the options from environment variables. An empty value counts as absent, because compose files set it so.
 * @throws config_invalid, with all variables that are wrong, unknown or unreadable
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const problems: string[] = [];
  const given: Record<string, string> = {};
  for (const name of names) {
    const value = readSecret(name, env, problems) ?? env[variableOf(name)];
    if (value?.trim()) given[name] = value;
  }
  problems.push(...unknownVariables(env));
  const parsed = options.safeParse(given, { reportInput: true });
  if (!parsed.success)
    for (const issue of parsed.error.issues) {
      const name = String(issue.path[0]) as OptionName;
      // Of several addresses, only the wrong one is named.
      const isAddress = issue.code === 'invalid_format' && issue.format === 'url';
      const wrong = isAddress && typeof issue.input === 'string' ? issue.input : given[name];
      problems.push(`${variableOf(name)}: ${issue.message}${valueText(name, wrong)}`);
    }
  if (!parsed.success || problems.length > 0)
    // A value that breaks two rules is named only once.
    throw createError('config_invalid', { problems: [...new Set(problems)] });
  return parsed.data;
}

/** The value for an error message; empty for a secret, or a URL that may contain a password. */
const valueText = (name: OptionName, value: string | undefined): string =>
  value === undefined || secretOptions.includes(name) || value.includes('@')
    ? ''
    : `, not ${JSON.stringify(value)}`;

function readSecret(name: OptionName, env: NodeJS.ProcessEnv, problems: string[]): string | undefined {
  const path = secretOptions.includes(name) ? env[fileVariable(name)] : undefined;
  if (!path) return undefined;
  if (env[variableOf(name)])
    problems.push(`${variableOf(name)} and ${fileVariable(name)} are both set: set one of them`);
  try {
    const secret = readFileSync(path, 'utf8').trim();
    if (secret === '') problems.push(`${fileVariable(name)}: ${path} is empty`);
    return secret;
  } catch (error) {
    problems.push(`${fileVariable(name)}: ${fileProblem(path, error)}`);
    return undefined;
  }
}

/** A mistyped option must stop the start: if it were ignored, nobody would notice. */
function unknownVariables(env: NodeJS.ProcessEnv): string[] {
  const known = new Set([...names.map(variableOf), ...secretOptions.map(fileVariable), ...foreignVariables]);
  return Object.keys(env)
    .filter((variable) => variable.startsWith('PLAINVIEW_') && !known.has(variable))
    .map((variable) => `${variable}: no such option (\`plainview options\` lists them)`);
}
