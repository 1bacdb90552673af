import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codedCategories } from '../../../src/anatomy/categories.js';
import { bodyPartOf, projectionOf } from '../../../src/anatomy/regions.js';
import type { PlainviewError } from '../../../src/errors/errors.js';
import { OrderCheck } from '../../../src/order-check/check.js';
import { Words } from '../../../src/order-check/words.js';
import { matters, readCases } from './cases.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plainview-words-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const siteFile = (text: string): string => {
  const path = join(folder, 'site.yaml');
  writeFileSync(path, text);
  return path;
};
const study = (text: string) => [{ attribute: 'StudyDescription', text }];
const check = new OrderCheck(Words.read());
const cases = readCases();

/** How often each answer came where another was expected. */
function mistakes(keptApart: boolean): string[] {
  return cases
    .filter((each) => each.keptApart === keptApart)
    .flatMap(({ line, category, said, expected }) => {
      const found = check.check({ category }, said);
      return matters
        .filter((matter) => found[matter].answer !== expected[matter])
        .map((matter) => `${matter} ${expected[matter]} → ${found[matter].answer}: ${line}`);
    });
}

describe('descriptions in seven languages', () => {
  test('those that the word lists were tuned on are understood', () => {
    // "2+ views" is three or more, as often as two.
    expect(mistakes(false)).toEqual([expect.stringContaining('XR fingers left 2+ views')]);
  });

  test('those kept apart are as well understood as docs/order-check.md says', () => {
    const wrong = mistakes(true);
    expect(wrong.filter((each) => !each.includes('hard |'))).toEqual([]);
    const alarms = wrong.filter((each) => each.includes('→ differs'));
    expect({ wrong: wrong.length, alarms: alarms.length }).toEqual({ wrong: 19, alarms: 2 });
  });

  test('no picture of any category differs from a description of just that category', () => {
    for (const category of codedCategories) {
      const { answer } = check.check({ category }, study(category.replaceAll('_', ' ')));
      expect([category, answer]).not.toEqual([category, 'differs']);
    }
  });
});

describe('what is compared', () => {
  test('every category has a body part and a projection', () => {
    for (const category of codedCategories)
      expect([category, bodyPartOf(category), projectionOf(category)]).not.toContain(undefined);
  });

  test('the record holds the words of the lists, never the text around them', () => {
    const record = check.check({ category: 'knee_ap' }, study('Knie re. Frau Mustermann'));
    expect(record.words).toEqual([
      { attribute: 'StudyDescription', word: 'knie', means: 'KNEE' },
      { attribute: 'StudyDescription', word: 're', means: 'right' },
    ]);
    expect(JSON.stringify(record).toLowerCase()).not.toContain('mustermann');
  });

  test('codes count as words do, whatever their meaning is called', () => {
    const said = [
      { attribute: 'AnatomicRegionSequence', code: '72696002', text: 'Knee' },
      { attribute: 'ViewCodeSequence', code: '399067008', text: '?' },
    ];
    expect(check.check({ category: 'knee_lateral' }, said)).toMatchObject({
      answer: 'agrees',
      projection: { answer: 'agrees' },
    });
    expect(check.check({ category: 'knee_ap' }, said).projection.answer).toBe('differs');
  });

  test('where no category was given nothing differs but the sides', () => {
    const said = [...study('Knie links ap'), { attribute: 'ImageLaterality', text: 'R' }];
    expect(check.check({}, said)).toMatchObject({
      answer: 'differs',
      bodyPart: { answer: 'cannot_tell' },
      projection: { answer: 'cannot_tell' },
      side: { answer: 'differs' },
    });
  });

  test("a category of a site's own network, which has no codes, cannot be compared", () => {
    expect(check.check({ category: 'whole_leg' }, study('Knie ap')).answer).toBe('cannot_tell');
  });
});

describe("a site's own words", () => {
  test('are understood beside the others, and can take a word back', () => {
    const file = siteFile('bodyPart:\n  KNEE: [kg]\nprojection:\n  several: [std]\nnothing: [hüfte]\n');
    const own = new OrderCheck(Words.read(file));
    expect(own.check({ category: 'knee_ap' }, study('KG std'))).toMatchObject({
      answer: 'agrees',
      projection: { answer: 'agrees' },
    });
    expect(own.check({ category: 'knee_ap' }, study('KG, Hüfte')).answer).toBe('agrees');
    expect(own.check({ category: 'knee_ap' }, study('Sprunggelenk')).answer).toBe('differs');
  });

  test.each([
    ['bodyPart:\n  KNIE: [kg]', 'line 2, bodyPart KNIE: '],
    ['bodypart:\n  KNEE: [kg]', 'line 1, bodypart: there is no such key'],
    ['side:\n  right: rechts', 'line 2, side right: '],
    ['side: [', 'line 1: '],
    ['', 'line 1: must hold bodyPart, projection, side or nothing, as orders/README.md tells'],
    ['any text', 'line 1: must hold bodyPart, projection, side or nothing, as orders/README.md tells'],
  ])('that cannot be read stop the start: %j', (text, named) => {
    const file = siteFile(text);
    const error = (() => {
      try {
        Words.read(file);
      } catch (caught) {
        return caught as PlainviewError;
      }
    })();
    expect(error?.code).toBe('config_invalid');
    expect(error?.message).toContain(`PLAINVIEW_ORDER_WORDS: ${file}, ${named}`);
  });

  test('of which there is no file stop the start', () => {
    expect(() => Words.read(join(folder, 'absent.yaml'))).toThrow(/PLAINVIEW_ORDER_WORDS.*ENOENT/);
  });
});
