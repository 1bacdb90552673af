import { z } from 'zod';
import { type OptionName, options, variableOf } from '../../src/config/options.js';
import type { Described } from './commands.js';
import type { Facts } from './facts.js';

/** The man page, in the language of man(7). */
export function manual(
  all: readonly Described[],
  { version, date }: Pick<Facts, 'version' | 'date'>,
): string {
  const [program, ...commands] = all;
  const day = new Date(date * 1000).toISOString().slice(0, 10);
  return `${[
    `.TH PLAINVIEW 1 ${day} "plainview ${version}" "Plainview"`,
    // Long names leave no room to adjust.
    '.ad l',
    '.SH NAME',
    `plainview \\- ${escaped(program?.text ?? '')}`,
    '.SH SYNOPSIS',
    '.B plainview',
    '.I command',
    '[options]',
    '.SH DESCRIPTION',
    'Plainview names the body part and projection of every plain radiograph in an Orthanc, and writes it back as metadata and labels.',
    '.PP',
    'Where it was installed as a package, the command takes /etc/plainview/env as its environment; what the caller has set counts more. Root and the members of the group plainview can read that file. Root becomes the user plainview, except for setup and model fetch.',
    '.SH OPTIONS',
    ...(program?.options ?? []).flatMap(({ flags, text }) => item(flags, text)),
    '.SH COMMANDS',
    ...commands.flatMap((command) => commandText(command)),
    '.SH ENVIRONMENT',
    'The service and the commands are configured by these variables.',
    ...environment(),
    '.SH FILES',
    ...item('/etc/plainview/env', 'Environment of the service: a variable a line, as systemd reads it.'),
    ...item('/var/lib/plainview', 'What Plainview keeps itself. It holds work of people: back it up.'),
    ...item('/usr/share/doc/plainview', 'The documents: install.md first.'),
    '.SH EXIT STATUS',
    '0: done. 1: it failed, or a part did. 2: the command line, the configuration or a named file is wrong.',
  ].join('\n')}\n`;
}

function commandText({ path, usage, text, options: flags, after }: Described): string[] {
  return [
    `.SS plainview ${escaped([...path, usage].join(' '))}`,
    line(text),
    ...flags.flatMap((flag) => item(flag.flags, flag.text)),
    ...(after === '' ? [] : ['.PP', '.nf', ...after.split('\n').map(line), '.fi']),
  ];
}

function environment(): string[] {
  const { properties = {} } = z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' });
  return Object.entries(properties).flatMap(([name, property]) =>
    item(variableOf(name as OptionName), plain((property as { description?: string }).description ?? '')),
  );
}

const item = (name: string, text: string): string[] => ['.TP', `.B ${escaped(name)}`, line(text)];

/** Without the marks of Markdown. */
const plain = (text: string): string =>
  text.replace(/\[([^\]]+)\]\(([^)]+)\)/g, '$1 ($2)').replaceAll('`', '');

const escaped = (text: string): string => text.replaceAll('\\', '\\e').replaceAll('-', '\\-');

/** A line that begins with a dot or an apostrophe would be a command of the typesetter. */
const line = (text: string): string => escaped(text.replaceAll('\n', ' ')).replace(/^(?=[.'])/, '\\&');
