import { describe, expect, test } from 'vitest';
import { Categories } from '../../../../src/anatomy/categories.js';
import { planTags, wantedTags } from '../../../../src/followups/tags/plan.js';
import { OrderCheck } from '../../../../src/order-check/check.js';
import type { OrderAnswer } from '../../../../src/order-check/schema.js';
import { Words } from '../../../../src/order-check/words.js';

const categories = Categories.read();
const knee = wantedTags({ decision: 'category', category: 'knee_ap' }, 'absent', categories);

describe('what is written into a file', () => {
  test('fills what is absent or empty', () => {
    const { set, remove, written } = planTags(knee, { '0018,0015': '', '0018,5101': 'PA' }, {}, 'absent');
    expect(Object.keys(set).sort()).toEqual(['0008,2218', '0018,0015', '0054,0220']);
    expect(remove).toEqual([]);
    expect(written.BodyPartExamined).toEqual({ was: '', now: 'KNEE' });
    expect(written.AnatomicRegionSequence).not.toHaveProperty('was');
  });

  test('is nothing where the picture surely is not what the file says, unless told to replace', () => {
    const finding: { answer: OrderAnswer; reason: string } = { answer: 'differs', reason: '' };
    const order = { ...finding, bodyPart: finding, projection: finding, side: finding, words: [] };
    const decided = { decision: 'category' as const, category: 'knee_ap', order };
    expect(wantedTags(decided, 'absent', categories)).toEqual({});
    expect(wantedTags(decided, 'replace', categories)).toEqual(knee);
  });

  test.each([
    ['chest_pa_ap', 'LL', ''],
    ['chest_pa_ap', 'PA', undefined],
    ['chest_lateral', 'RL', undefined],
    ['chest_lateral', 'PA', ''],
    ['chest_pa_ap', 'NOTHING KNOWN', undefined],
  ])('where %s gives no ViewPosition, %s is replaced by "%s"', (category, text, ViewPosition) => {
    const order = new OrderCheck(Words.read(categories), categories).check({ category }, [
      { attribute: 'ViewPosition', text },
    ]);
    const decided = { decision: 'category' as const, category, order };
    expect(wantedTags(decided, 'replace', categories).ViewPosition).toBe(ViewPosition);
    expect(wantedTags(decided, 'absent', categories).ViewPosition).toBeUndefined();
  });

  test('and was changed by somebody since stays, for another category and for an undo', () => {
    const former = { BodyPartExamined: { was: '', now: 'KNEE' }, ViewPosition: { now: 'AP' } };
    const file = { '0018,0015': 'LEG', '0018,5101': 'AP' };
    for (const mode of ['absent', 'replace'] as const) {
      const { set, remove, written } = planTags({ BodyPartExamined: 'HAND' }, file, former, mode);
      expect(set).toEqual({});
      expect(remove).toEqual(['0018,5101']);
      expect(written).toEqual({ BodyPartExamined: { was: '', now: 'KNEE' } });
    }
  });

  test('does not take the place of what could not be put back', () => {
    const { set } = planTags(knee, { '0008,2218': [{ '0009,1001': null }] }, {}, 'replace');
    expect(set).not.toHaveProperty('0008,2218');
  });
});
