import { z } from 'zod';
import { type OptionName, options, variableOf } from './options.js';

interface Property {
  description?: string;
  enum?: string[];
  minimum?: number;
  maximum?: number;
}

/** The options as a Markdown table, for the README and `plainview options`. */
export function optionsTable(): string {
  const schema = z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' });
  const defaults = options.parse({});
  const rows = Object.entries(schema.properties ?? {}).map(([key, property]) => {
    const name = key as OptionName;
    const { description = '', ...values } = property as Property;
    return `| \`${variableOf(name)}\` | ${showDefault(defaults[name])} | ${showValues(values)} | ${description} |`;
  });
  return ['| option | default | values | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function showDefault(value: unknown): string {
  if (value === undefined) return '–';
  const text = Array.isArray(value) ? value.join(',') : String(value);
  return text === '' ? 'none' : `\`${text}\``;
}

/** Empty where any text may be given: then the meaning says more. */
function showValues({ enum: names, minimum, maximum }: Omit<Property, 'description'>): string {
  if (names !== undefined) return names.map((name) => `\`${name}\``).join(', ');
  return minimum === undefined ? '' : `${minimum} – ${maximum}`;
}

/** Inserts the table of options between its markers in a Markdown text. */
export function insertOptionsTable(markdown: string): string {
  return markdown.replace(
    /(<!-- options:[^>]*-->)[\s\S]*?(<!-- end of options -->)/,
    (_all, begin: string, end: string) => `${begin}\n${optionsTable()}\n${end}`,
  );
}
