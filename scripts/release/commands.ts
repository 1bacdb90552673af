import type { Command, Option } from 'commander';

/** A command of the program, as help, man page and completion show it. */
export interface Described {
  /** `plainview model fetch` is ['model', 'fetch']; the program itself is []. */
  path: readonly string[];
  /** After the name: `[options] <pictures...>`. */
  usage: string;
  text: string;
  options: readonly {
    flags: string;
    names: readonly string[];
    text: string;
    takesValue: boolean;
    values: readonly string[];
  }[];
  commands: readonly { name: string; text: string }[];
  /** Text after the help. */
  after: string;
}

/** The command and all below it, in the order in which they are declared. */
export function describe(command: Command, path: readonly string[] = []): Described[] {
  const help = command.createHelp();
  return [
    {
      path,
      usage: command.usage(),
      text: help.commandDescription(command),
      options: help.visibleOptions(command).map((option) => ({
        flags: option.flags,
        names: namesOf(option),
        text: help.optionDescription(option),
        takesValue: option.required || option.optional,
        values: option.argChoices ?? [],
      })),
      commands: command.commands.map((each) => ({ name: each.name(), text: each.description() })),
      after: textAfter(command),
    },
    ...command.commands.flatMap((each) => describe(each, [...path, each.name()])),
  ];
}

const namesOf = ({ short, long }: Option): string[] => [short, long].filter((name) => name !== undefined);

/** Commander gives such a text to those alone that print the help. */
function textAfter(command: Command): string {
  const printed: string[] = [];
  command.configureOutput({ writeOut: (text) => printed.push(text) });
  command.outputHelp();
  return printed.slice(1).join('').trim();
}
