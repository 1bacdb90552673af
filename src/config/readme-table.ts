import { z } from 'zod';
import { type OptionName, options, variableOf } from './options.js';

/** The options as a Markdown table, for the README and `plainview options`. */
export function optionsTable(): string {
  const schema = z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' });
  const rows = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const { description = '', default: byDefault } = property as { description?: string; default?: unknown };
    return `| \`${variableOf(name as OptionName)}\` | ${defaultText(byDefault)} | ${description} |`;
  });
  return ['| option | default | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

function defaultText(value: unknown): string {
  if (value === undefined) return '–';
  const text = Array.isArray(value) ? value.join(',') : String(value);
  return text === '' ? 'none' : `\`${text}\``;
}

/** Inserts the table of options between its markers in a Markdown text. */
export function insertOptionsTable(markdown: string): string {
  return markdown.replace(
    /(<!-- options:[^>]*-->)[\s\S]*?(<!-- end of options -->)/,
    (_all, begin: string, end: string) => `${begin}\n${optionsTable()}\n${end}`,
  );
}
