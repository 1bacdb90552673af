import type { Change } from './plan.js';

/** A change as a person reads it, without secrets. */
export function showChange(
  { path, before, content, mode, reader, why, isSecret }: Change,
  secrets: readonly string[],
): string {
  const what =
    before === undefined
      ? `new, mode ${mode.toString(8).padStart(4, '0')}${reader === undefined ? '' : `, group of ${reader}`}`
      : 'changed; the old one is kept beside it';
  const lines = isSecret === true ? ['+ (not shown)'] : difference(before ?? '', content);
  const shown = lines.map((line) =>
    secrets.reduce((text, secret) => text.replaceAll(JSON.stringify(secret), '"(not shown)"'), line),
  );
  const first = before === undefined && shown.length > mostLines ? [`+ (${shown.length} lines)`] : shown;
  return [`${path} (${what}): ${why}`, ...first.map((line) => `  ${line}`)].join('\n');
}

/** Of a longer new file, only the length is shown. */
const mostLines = 20;

/** Lines that are gone and lines that are new, in their order. */
function difference(before: string, after: string): string[] {
  const [old, now] = [linesOf(before), linesOf(after)];
  return [...without(old, now).map((line) => `- ${line}`), ...without(now, old).map((line) => `+ ${line}`)];
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');

function without(lines: readonly string[], others: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of others) counts.set(line, (counts.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const left = counts.get(line) ?? 0;
    counts.set(line, left - 1);
    return left <= 0;
  });
}
