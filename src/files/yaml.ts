import { isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';

export type Path = readonly PropertyKey[];

/** A YAML text with the line of each of its values. */
export interface YamlDocument {
  content: unknown;
  /** Syntax errors, each with its line. Where there are any, `content` is undefined. */
  errors: string[];
  /** `line 12`: the line of the key, or of the value. For a missing path, the line of its nearest parent. */
  lineOf(path: Path): string;
  /** `line 12, rules 1 when category` */
  placeOf(path: Path): string;
}

export function readYaml(text: string): YamlDocument {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const lineAt = (offset: number) => `line ${lineCounter.linePos(offset).line}`;
  const lineOf = (path: Path): string => {
    for (let length = path.length; length > 0; length--) {
      const parent = document.getIn(path.slice(0, length - 1), true) ?? document.contents;
      const key = path[length - 1];
      const pair = isMap(parent)
        ? parent.items.find((item) => isScalar(item.key) && item.key.value === key)
        : undefined;
      const node = isNode(pair?.key) ? pair.key : document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return lineAt(node.range[0]);
    }
    return lineAt(0);
  };
  const yaml = { lineOf, placeOf: (path: Path) => [lineOf(path), ...nameOf(path)].join(', ') };
  const errors = document.errors.map(({ message, pos }) => `${lineAt(pos[0])}: ${message}`);
  if (errors.length > 0) return { ...yaml, content: undefined, errors };
  try {
    return { ...yaml, content: document.toJS(), errors };
  } catch (error) {
    // An alias without anchor, or too many nested aliases.
    return { ...yaml, content: undefined, errors: [(error as Error).message] };
  }
}

/** The issues of a schema with their paths. An unknown key has the path of the key itself. */
export const problemsOf = ({ issues }: z.ZodError): { path: Path; problem: string }[] =>
  issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: [...issue.path, key], problem: 'there is no such key' }))
      : [{ path: issue.path, problem: issue.message }],
  );

/** List items are counted from 1. */
const nameOf = (path: Path): string[] =>
  path.length === 0 ? [] : [path.map((key) => (typeof key === 'number' ? key + 1 : String(key))).join(' ')];
