import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAst } from 'vitest/node';
import { texts } from '../../../src/review/texts/index.js';

const root = join(import.meta.dirname, '..', '..', '..', 'src', 'review');
const sourceFiles = (await readdir(root, { recursive: true })).filter((name) => /\.tsx?$/.test(name));
const files = sourceFiles.filter((name) => !name.startsWith('texts'));

interface Node {
  type: string;
  [field: string]: unknown;
}
const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value;
const childrenOf = (node: Node): Node[] => Object.values(node).flat().filter(isNode);

/** People see or hear what these attributes say. `description` and the first argument of these functions too. */
const visible = /^(aria-label|aria-description|title|placeholder|alt|label|description)$/;
const visibleCalls = /^(notifyDone|notifyProblem|useShortcuts)$/;

/** The strings that an expression may become: both branches of a condition, the parts of a template. */
function stringsOf(node: unknown): string[] {
  if (!isNode(node)) return [];
  switch (node.type) {
    case 'Literal':
      return typeof node.value === 'string' ? [node.value] : [];
    case 'JSXText':
      return [String(node.value)];
    case 'TemplateElement':
      return [JSON.stringify(node.value)].filter((raw) => !/"raw":"[^\p{L}]*"/u.test(raw));
    case 'ConditionalExpression':
      return [node.consequent, node.alternate].flatMap(stringsOf);
    case 'LogicalExpression':
      return node.operator === '&&' ? stringsOf(node.right) : [node.left, node.right].flatMap(stringsOf);
    case 'BinaryExpression':
    case 'TemplateLiteral':
    case 'JSXExpressionContainer':
      return childrenOf(node).flatMap(stringsOf);
    default:
      return [];
  }
}

/** The literal texts that a piece of source shows to people. */
function literals(node: Node): string[] {
  const shown: unknown[] = [];
  if (node.type === 'JSXElement' || node.type === 'JSXFragment') shown.push(...[node.children].flat());
  const name = isNode(node.name) ? node.name.name : isNode(node.key) ? node.key.name : undefined;
  if (/^(JSXAttribute|Property)$/.test(node.type) && visible.test(String(name))) shown.push(node.value);
  if (node.type === 'CallExpression' && isNode(node.callee) && visibleCalls.test(String(node.callee.name)))
    shown.push([node.arguments].flat()[0]);
  const found = shown.flatMap(stringsOf).filter((text) => /\p{L}/u.test(text));
  return [...found, ...childrenOf(node).flatMap(literals)];
}

const literalsIn = (source: string): string[] =>
  literals(parseAst(source, { lang: 'tsx' }) as unknown as Node);

test.each(files)('%s has its texts in the catalogue', async (file) => {
  expect(literalsIn(await readFile(join(root, file), 'utf8'))).toEqual([]);
});

test.each([
  ['<p>Hello</p>', ['Hello']],
  ['<p>{isOpen ? "Open" : texts.closed} · {"1 %"}</p>', ['Open']],
  ['<p title="Hello" class="strong" />', ['Hello']],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
  ['<p aria-label={`Page ${n}`} id={`page ${n}`} />', ['{"raw":"Page ","cooked":"Page "}']],
  ['useShortcuts("Keys", [{ keys: ["Enter"], description: "Go" }])', ['Keys', 'Go']],
])('the check finds what %s shows', (source, found) => {
  expect(literalsIn(source)).toEqual(found);
});

test('every text of the catalogue is used', async () => {
  const sources = await Promise.all(sourceFiles.map((file) => readFile(join(root, file), 'utf8')));
  const used = new Set(sources.join('\n').match(/(?<=\b(?:texts|messages)\.)\w+/g));
  expect(Object.keys(texts).filter((name) => !used.has(name))).toEqual([]);
});

test('the agreement leaves out what nobody has checked', () => {
  const [none, one] = [
    { confirmed: 0, corrected: 0 },
    { confirmed: 1, corrected: 0 },
  ];
  expect(texts.agreementSummary(none, one)).toBe(
    'where it had asked for a person, its best guess was right in 100% of 1',
  );
  expect(texts.agreementSummary(one, none)).toBe('agreed in 100% of 1');
});
