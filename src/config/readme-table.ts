import { z } from 'zod';
import { type OptionName, options, variableOf } from './options.js';

/** The options as a Markdown table, for the README and `plainview options`. */
export function optionsTable(): string {
  const schema = z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' });
  const rows = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const { description = '', default: byDefault } = property as { description?: string; default?: unknown };
    return `| \`${variableOf(name as OptionName)}\` | ${show(byDefault)} | ${description} |`;
  });
  return ['| option | default | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

function show(value: unknown): string {
  if (value === undefined) return '–';
  const text = Array.isArray(value) ? value.join(',') : String(value);
  return text === '' ? 'none' : `\`${text}\``;
}

/** A Markdown text with the table of options put between its marks. */
export function insertOptionsTable(markdown: string): string {
  return markdown.replace(
    /(<!-- options:[^>]*-->)[\s\S]*?(<!-- end of options -->)/,
    (_all, begin: string, end: string) => `${begin}\n${optionsTable()}\n${end}`,
  );
}
