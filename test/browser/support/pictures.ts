import { readFile } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { shipped } from '../../../src/files/places.js';
import type { GreyPicture } from '../../../testkit/dicom.js';

/** Drawings that look like radiographs from afar: for pages to show, not for networks to judge. */
const drawings = {
  knee: `<path d="M150 0 Q170 190 130 300 Q120 350 170 365 Q200 345 230 365 Q290 350 270 300 Q235 190 255 0Z"/>
    <path d="M135 385 Q200 370 268 385 Q270 430 245 470 L240 700 H165 L160 470 Q135 430 135 385Z"/>
    <path d="M282 430 Q300 420 305 440 L300 700 H282Z"/><ellipse cx="200" cy="270" rx="48" ry="56" opacity=".45"/>`,
  hand: [0, 1, 2, 3]
    .map((finger) => {
      const x = 110 + finger * 58;
      const top = [120, 60, 70, 130][finger] ?? 100;
      return `<g transform="rotate(${(finger - 1.5) * 5} ${x} 420)"><rect x="${x - 13}" y="${top}" width="26" height="62" rx="10"/>
        <rect x="${x - 14}" y="${top + 70}" width="28" height="80" rx="10"/><rect x="${x - 15}" y="${top + 160}" width="30" height="100" rx="11"/>
        <rect x="${x - 14}" y="${top + 268}" width="28" height="${330 - top / 2 - 100}" rx="11"/></g>`;
    })
    .join('')
    .concat(
      '<rect x="30" y="330" width="28" height="150" rx="12" transform="rotate(-38 44 400)"/>',
      [0, 1, 2, 3, 4, 5]
        .map((n) => `<circle cx="${140 + (n % 3) * 56}" cy="${560 + Math.floor(n / 3) * 44}" r="24"/>`)
        .join(''),
    ),
  spine: [0, 1, 2, 3, 4, 5, 6]
    .map(
      (n) =>
        `<rect x="${150 + 14 * Math.sin(n / 2)}" y="${20 + n * 98}" width="${92 + n * 3}" height="80" rx="16"/>
         <rect x="${250 + 16 * Math.sin(n / 2)}" y="${60 + n * 98}" width="80" height="22" rx="10" opacity=".55"/>`,
    )
    .join(''),
} as const;
export type Drawing = keyof typeof drawings;

const drawn = new Map<string, Promise<GreyPicture>>();

/** A picture is made once: it costs the processor. */
function once(key: string, make: () => Promise<GreyPicture>): Promise<GreyPicture> {
  const made = drawn.get(key) ?? make();
  drawn.set(key, made);
  return made;
}

/** A drawing of 400 × 700 as grey values, the same for the same seed. */
export const draw = (name: Drawing, seed = 1): Promise<GreyPicture> =>
  once(`${name} ${seed}`, () => grey(sharp(Buffer.from(svgOf(name, seed)))));

/** A picture of `samples/`, grey. */
export const sample = (name: string): Promise<GreyPicture> =>
  once(name, async () => grey(sharp(await readFile(shipped('samples', name)))));

function svgOf(name: Drawing, seed: number): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="700">
    <defs><radialGradient id="body"><stop offset="0" stop-color="#777"/><stop offset=".7" stop-color="#4a4a4a"/><stop offset="1" stop-color="#0c0c0c"/></radialGradient>
    <filter id="soft"><feGaussianBlur stdDeviation="2.5"/></filter>
    <filter id="grain"><feTurbulence baseFrequency=".035" numOctaves="4" seed="${seed}"/><feColorMatrix values="0 0 0 0 .5  0 0 0 0 .5  0 0 0 0 .5  .8 0 0 0 -.2"/></filter></defs>
    <rect width="400" height="700" fill="#070707"/>
    <ellipse cx="${195 + ((seed * 7) % 20)}" cy="350" rx="185" ry="470" fill="url(#body)"/>
    <g fill="#c9c9c9" stroke="#efefef" stroke-width="5" filter="url(#soft)" transform="rotate(${((seed * 5) % 9) - 4} 200 350)">${drawings[name]}</g>
    <rect width="400" height="700" filter="url(#grain)" opacity=".35"/></svg>`;
}

async function grey(picture: Sharp): Promise<GreyPicture> {
  const { data, info } = await picture.greyscale().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, grey: data };
}

export const asJpeg = ({ width, height, grey: data }: GreyPicture, wanted: number): Promise<Buffer> =>
  sharp(data, { raw: { width, height, channels: 1 } })
    .resize({ width: wanted })
    .jpeg()
    .toBuffer();
