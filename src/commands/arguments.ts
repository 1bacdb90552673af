import { type Command, InvalidArgumentError } from 'commander';
import { createError } from '../errors/errors.js';

/** Parsers of option arguments. Commander shows the message that they throw. */

export function integer(min: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > 1_000_000)
      throw new InvalidArgumentError(`It must be a whole number from ${min}.`);
    return value;
  };
}

export function fraction(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('It must be between 0 and 1.');
  return value;
}

/** For an option that may be given more than once. */
export const collect = (text: string, former: readonly string[] = []): string[] => [...former, text];

/** Refuses a condition that is given twice: of both, Commander would silently take the last one. */
export function refuseTwice(command: Command): Command {
  for (const option of command.options) {
    const { long, variadic, parseArg } = option;
    let isGiven = false;
    if (!variadic && parseArg !== collect)
      command.on(`option:${option.name()}`, () => {
        if (isGiven) throw createError('usage', { problem: `${long} is given twice: give it once` });
        isGiven = true;
      });
  }
  return command;
}
