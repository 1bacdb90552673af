import { InvalidArgumentError } from 'commander';

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
