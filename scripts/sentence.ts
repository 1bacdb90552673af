/** A message of a catalogue with a placeholder for each value. */
export const sentence = ({ message }: { message: (p: never) => string }): string =>
  (message as (p: object) => string)(placeholders);

/** Returns each parameter's name in braces, whether the sentence uses the parameter as text, as number or as list. */
const placeholders = new Proxy(
  {},
  {
    get: (_, name) => {
      const text = () => `{${String(name)}}`;
      return { toString: text, join: text };
    },
  },
);
