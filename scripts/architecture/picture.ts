import type { Architecture, Room } from './architecture.js';

const width = 1200;
const margin = 20;
const gap = 12;
const perRow = 6;
const boxWidth = (width - 2 * margin - (perRow - 1) * gap) / perRow;
const lineHeight = 15;
const padding = 10;

/**
 * Draws the rooms as an SVG: a band for each storey, and a box for each room with its job and the rooms that it may import.
 * @param tools rooms that almost every other room may import. The boxes do not repeat them.
 */
export function picture({ storeys, rooms }: Architecture, tools: readonly string[]): string {
  const parts: string[] = [];
  let y = margin;
  for (const storey of storeys) {
    parts.push(text(margin, y + 14, storey, 'class="storey"'));
    y += 24;
    const own = rooms
      .filter((room) => room.storey === storey)
      .map((room) => ({ room, lines: linesOf(room, tools) }));
    for (let first = 0; first < own.length; first += perRow) {
      const row = own.slice(first, first + perRow);
      const height = Math.max(...row.map(({ lines }) => lines.length)) * lineHeight + 2 * padding;
      parts.push(
        ...row.map(({ lines }, column) => box(margin + column * (boxWidth + gap), y, height, lines)),
      );
      y += height + gap;
    }
    y += gap;
  }
  parts.push(
    text(
      margin,
      y + 6,
      `→ may import. ${tools.join(', ')} are tools: almost every room may import them.`,
      'class="knows"',
    ),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + margin + 6}" font-family="system-ui, sans-serif" font-size="12">
<title>The rooms of src/, storey by storey. An import goes down, or sideways to a room that is named.</title>
<style>.storey{font-size:15px;font-weight:600;fill:#333}.name{font-size:13px;font-weight:600}.knows{font-size:11px;fill:#555}rect{fill:#f4f7fa;stroke:#7a8b99}</style>
<rect x="0" y="0" width="${width}" height="${y + margin + 6}" style="fill:#fff;stroke:none"/>
${parts.join('\n')}
</svg>
`;
}

interface Line {
  text: string;
  class: 'name' | 'job' | 'knows';
}

function linesOf({ path, job, knows }: Room, tools: readonly string[]): Line[] {
  const shown = knows.filter((each) => !tools.includes(each));
  return [
    { text: path, class: 'name' },
    ...wrapped(job, 26).map((text) => ({ text, class: 'job' as const })),
    ...(shown.length === 0 ? [] : wrapped(`→ ${shown.join(', ')}`, 29)).map((text) => ({
      text,
      class: 'knows' as const,
    })),
  ];
}

function box(x: number, y: number, height: number, lines: readonly Line[]): string {
  const written = lines.map((line, index) =>
    text(x + padding, y + padding + 11 + index * lineHeight, line.text, `class="${line.class}"`),
  );
  return [`<rect x="${x}" y="${y}" width="${boxWidth}" height="${height}" rx="4"/>`, ...written].join('\n');
}

const text = (x: number, y: number, content: string, attributes: string): string =>
  `<text x="${x}" y="${y}" ${attributes}>${content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;

/** Breaks a text at spaces into lines of at most `maxLength` characters. */
function wrapped(content: string, maxLength: number): string[] {
  const lines: string[] = [];
  for (const word of content.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > maxLength) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
