import { readFileSync } from 'node:fs';
import type { OrderAnswer } from '../../../src/order-check/schema.js';
import type { Description } from '../../../src/orthanc/resources.js';

const attributes: Readonly<Record<string, string>> = {
  St: 'StudyDescription',
  Se: 'SeriesDescription',
  Pr: 'ProtocolName',
  Rp: 'RequestedProcedureDescription',
  Ad: 'AcquisitionDeviceProcessingDescription',
  Bp: 'BodyPartExamined',
  Vp: 'ViewPosition',
  La: 'Laterality',
  Il: 'ImageLaterality',
};
const answers: Readonly<Record<string, OrderAnswer>> = { a: 'agrees', d: 'differs', c: 'cannot_tell' };

export const matters = ['bodyPart', 'projection', 'side'] as const;
export type Matter = (typeof matters)[number];

export interface OrderCase {
  line: string;
  language: string;
  descriptions: Description[];
  category: string;
  expected: Record<Matter, OrderAnswer>;
  /** Held out for measuring: word lists are not tuned on it. */
  keptApart: boolean;
}

/** The cases of `cases.txt`. Its head explains the format. */
export function readCases(): OrderCase[] {
  const lines = readFileSync(new URL('cases.txt', import.meta.url), 'utf8').split('\n');
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line, index) => {
      const [language = '', text = '', category = '', expected = ''] = line
        .split('|')
        .map((part) => part.trim());
      const [bodyPart, projection, side] = expected.split(' ').map((letter) => answers[letter]);
      if (bodyPart === undefined || projection === undefined || side === undefined)
        throw new Error(`not a case: ${line}`);
      return {
        line,
        language,
        descriptions: text.split(';').map(readDescription),
        category,
        expected: { bodyPart, projection, side },
        keptApart: index % 3 === 2 || language === 'hard',
      };
    });
}

function readDescription(text: string): Description {
  const at = text.indexOf(':');
  const attribute = attributes[text.slice(0, at).trim()];
  if (attribute === undefined) throw new Error(`not an attribute: ${text}`);
  return { attribute, text: text.slice(at + 1).trim() };
}
