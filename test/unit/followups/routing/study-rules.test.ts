import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BodyPart, Projection } from '../../../../src/anatomy/regions.js';
import { type Rules, readRules } from '../../../../src/followups/routing/rules/read.js';
import { evaluateStudyRules } from '../../../../src/followups/routing/studies/evaluate.js';
import type { PictureSide, StudyFacts } from '../../../../src/followups/routing/studies/facts.js';
import { instanceId } from '../../../../src/orthanc/ids.js';
import { categories } from '../../../../testkit/fake-site.js';
import { head, type RulesFolder, rulesFolder } from '../../../../testkit/rules.js';

let place: RulesFolder;
beforeAll(async () => {
  place = await rulesFolder();
});
afterAll(() => place.discard());

const read = async (text: string | object): Promise<Rules> =>
  readRules(await place.write(text), categories.names);

/** Pictures such as `hand_ap left`; `?` for one without a category. */
function facts(pictures: readonly string[], order: Partial<StudyFacts['order']> = {}): StudyFacts {
  return {
    content: 'c',
    pictures: pictures.map((text, n) => {
      const [category = '', side] = text.split(' ');
      const id = Array.from({ length: 5 }, () => String(n).padStart(8, '0')).join('-');
      return {
        instance: instanceId.parse(id),
        ...(category === '?' ? { decision: 'needs_review' } : { decision: 'category', category }),
        ...(side === undefined ? {} : { side: side as PictureSide }),
      };
    }),
    order: { bodyParts: [], projections: [], hasUnnamedPlanes: false, sides: [], ...order },
  };
}

/** @returns why the rule does not apply; undefined if it does */
async function whyNot(given: StudyFacts, when: object, more: object = {}): Promise<string | undefined> {
  const { studies } = await read({
    ...head,
    studies: { rules: [{ name: 'it', when, do: { label: 'told' }, ...more }] },
  });
  if (studies === undefined) throw new Error('the file has rules on studies');
  return evaluateStudyRules(studies, given, categories)[0]?.whyNot;
}

describe('a condition on the pictures of a study', () => {
  test.each([
    ['all', { all: ['hand_ap left', 'hand_ap right'] }, ['hand_ap left', 'hand_ap right', 'knee_ap']],
    ['all, one picture of both', { all: ['hand_ap left', 'hand_ap right'] }, ['hand_ap both']],
    ['any', { any: ['hip_ap', 'knee_*'] }, ['knee_lateral']],
    ['none', { any: 'knee_ap', none: 'knee_lateral' }, ['knee_ap', 'hand_ap']],
    ['missing', { missing: 'lateral' }, ['knee_ap']],
    ['missing of one side', { missing: 'lateral' }, ['knee_ap left', 'knee_lateral left', 'knee_ap right']],
    ['missing of one of both', { missing: 'lateral' }, ['knee_ap both', 'knee_lateral left']],
    ['missing of one part', { missing: 'lateral' }, ['knee_ap', 'knee_lateral', 'hand_ap']],
    ['none', { none: 'knee_*' }, ['hand_ap']],
  ] as const)('holds: %s', async (_what, when, pictures) => {
    expect(await whyNot(facts(pictures), when)).toBeUndefined();
  });

  test.each([
    ['a side', { all: ['hand_ap left', 'hand_ap right'] }, ['hand_ap left'], 'there is no hand_ap right'],
    ['no side known', { all: ['hand_ap left'] }, ['hand_ap'], 'there is no hand_ap left'],
    ['any', { any: ['hip_ap', 'knee_*'] }, ['hand_ap'], 'there is no hip_ap, and no knee_*'],
    ['none', { none: 'knee_lateral' }, ['knee_lateral'], 'there is a knee_lateral'],
    ['none, of a study without radiographs', { none: 'knee_*' }, [], 'the study has no radiograph'],
    ['an undecided one', { all: ['knee_ap'] }, ['?'], 'there is no knee_ap'],
    ['missing', { missing: 'lateral' }, ['knee_ap left', 'knee_lateral'], 'no body part is without lateral'],
    [
      'missing, one picture of both sides',
      { missing: 'lateral' },
      ['knee_ap both', 'knee_lateral left', 'knee_lateral right'],
      'no body part is without lateral',
    ],
  ] as const)('does not hold, and says why: %s', async (_what, when, pictures, why) => {
    expect(await whyNot(facts(pictures), when)).toBe(why);
  });

  test('under unless excludes a study only where all of them hold', async () => {
    const unless = { any: 'hand_ap', none: 'knee_lateral' };
    const when = { any: '*' };
    expect(await whyNot(facts(['hand_ap']), when, { unless })).toContain('unless any, none');
    expect(await whyNot(facts(['hand_ap', 'knee_lateral']), when, { unless })).toBeUndefined();
  });
});

describe('complete for its order', () => {
  const order = (
    bodyParts: BodyPart[],
    projections: Projection[] = [],
    sides: PictureSide[] = [],
    hasUnnamedPlanes = false,
  ) => ({ bodyParts, projections, sides, hasUnnamedPlanes });
  const twoPlanes: Projection[] = ['frontal', 'lateral'];

  test.each([
    ['both planes of a side', order(['KNEE'], twoPlanes, ['left']), ['knee_ap left', 'knee_lateral left']],
    ['one picture, no plane named', order(['CHEST']), ['chest_pa_ap']],
    ['two parts', order(['HAND', 'FOOT']), ['foot_ap', 'hand_ap']],
    ['a part of the named region', order(['SPINE'], ['lateral']), ['lumbar_spine_lateral']],
    ['the narrower part counts', order(['SPINE', 'LSPINE']), ['lumbar_spine_ap']],
    ['the axial view of a hip', order(['HIP'], ['frontal', 'axial']), ['hip_ap', 'hip_lateral_cross_table']],
    ['oblique as second plane of a foot', order(['FOOT'], twoPlanes, [], true), ['foot_ap', 'foot_oblique']],
    [
      'all sides and projections of two parts',
      order(['HAND', 'KNEE'], ['frontal', 'lateral'], ['left', 'right']),
      ['knee_ap both', 'knee_lateral both', 'hand_ap both', 'hand_lateral both'],
    ],
  ])('%s', async (_what, ordered, pictures) => {
    expect(await whyNot(facts(pictures, ordered), { complete: true })).toBeUndefined();
    expect(await whyNot(facts(pictures, ordered), { complete: false })).toBe('the order is complete');
  });

  test.each([
    ['a plane', order(['KNEE'], twoPlanes), ['knee_ap'], 'KNEE lateral'],
    ['a side', order(['HAND'], [], ['both']), ['hand_ap left'], 'HAND right'],
    ['a part', order(['HAND', 'CHEST']), ['hand_ap'], 'CHEST'],
    ['oblique where it was named', order(['FOOT'], ['frontal', 'oblique']), ['foot_ap'], 'FOOT oblique'],
    ['what is undecided', order(['CHEST']), ['?'], 'CHEST'],
    [
      'a side of either part',
      order(['HAND', 'KNEE'], [], ['left', 'right']),
      ['hand_ap left', 'knee_ap left'],
      'right',
    ],
    [
      'a projection of either part',
      order(['CHEST', 'KNEE'], twoPlanes, [], true),
      ['chest_pa_ap', 'knee_ap'],
      'lateral',
    ],
    ['a part among several', order(['HAND', 'KNEE'], twoPlanes), ['knee_ap', 'knee_lateral'], 'HAND'],
  ])('not without %s', async (_what, ordered, pictures, lacks) => {
    expect(await whyNot(facts(pictures, ordered), { complete: false })).toBeUndefined();
    expect(await whyNot(facts(pictures, ordered), { complete: true })).toBe(`the order lacks ${lacks}`);
  });

  test.each([
    ['no part is ordered', order([]), ['knee_ap']],
    ['a part beside the ordered one is shown', order(['HIP']), ['pelvis_ap']],
    ['a picture may be the second plane', order(['SHOULDER'], twoPlanes), ['shoulder_ap', 'shoulder_axial']],
    [
      'each of two parts has its own side',
      order(['HAND', 'KNEE'], [], ['left', 'right']),
      ['knee_ap left', 'hand_ap right'],
    ],
    [
      'each of two sides has its own projections',
      order(['KNEE'], twoPlanes, ['left', 'right']),
      ['knee_ap left', 'knee_lateral left', 'knee_ap right'],
    ],
    [
      'one of two parts has the side',
      order(['HAND', 'KNEE'], [], ['left']),
      ['knee_ap left', 'hand_ap right'],
    ],
    [
      'each of two parts has its own projections',
      order(['CHEST', 'KNEE'], twoPlanes, [], true),
      ['chest_pa_ap', 'knee_ap', 'knee_lateral'],
    ],
    [
      'the axial picture is of the patella',
      order(['KNEE', 'PATELLA'], ['axial', 'frontal', 'lateral'], ['left']),
      ['knee_ap left', 'knee_lateral left', 'patella_axial left'],
    ],
    ['the sides are not known', order(['HAND'], [], ['both']), ['hand_ap', 'hand_ap']],
  ])('neither holds where %s', async (_what, ordered, pictures) => {
    for (const complete of [true, false])
      expect(await whyNot(facts(pictures, ordered), { complete })).toMatch(/cannot be told/);
  });
});

const valid = `version: 1
since: 2026-01-01
webhooks:
  hook: { url: http://127.0.0.1/, secretFile: hook.secret }
studies:
  waitMinutes: 30
  rules:
    - name: both hands
      when:
        all: [hand_ap left, hand_ap right]
      do:
        label: both_hands
`;

describe('the rules on studies in a file', () => {
  test('are read, also where the file has no other rules', async () => {
    const { rules, studies } = await read(valid);
    expect(rules).toEqual([]);
    expect(studies).toMatchObject({
      waitMinutes: 30,
      rules: [
        { name: 'both hands', when: { all: [{ category: 'hand_ap', side: 'left' }, { side: 'right' }] } },
      ],
    });
  });

  test.each([
    ['a mistyped key', ['all:', 'al:'], /line 10, studies rules 1 when al: there is no such key/],
    ['a mistyped category', ['hand_ap left', 'hnd_ap left'], /line 10, .*there is no category hnd_ap/],
    ['a side that is none', ['hand_ap left', 'hand_ap links'], /line 10, .*left or right/],
    [
      'a projection that is none',
      ['all: [hand_ap left, hand_ap right]', 'missing: side'],
      /line 10, .*a projection/,
    ],
    ['a rule that does nothing', ['label: both_hands', ''], /line 11, studies rules 1 do/],
    ['stop, which is for pictures alone', ['label: both_hands', 'stop: true'], /line 12, .*no such key/],
    [
      'no condition',
      ['all: [hand_ap left, hand_ap right]', ''],
      /line 9, studies rules 1 when: needs a condition/,
    ],
    [
      'conditions without one',
      ['when:\n        all: [hand_ap left, hand_ap right]', 'when: {}'],
      /line 9, studies rules 1 when: needs a condition/,
    ],
    [
      'an exception without condition',
      ['do:', 'unless: {}\n      do:'],
      /line 11, .*unless: needs a condition/,
    ],
    ['an unknown webhook', ['label: both_hands', 'webhook: other'], /line 12, .*no other under webhooks/],
    ['a label of ours', ['label: both_hands', 'label: knee_ap'], /line 12, .*label of Plainview's own/],
    [
      'a name twice',
      ['studies:', 'rules: [{name: both hands, do: {stop: true}}]\nstudies:'],
      /another rule both hands/,
    ],
    ['a wait that is none', ['waitMinutes: 30', 'waitMinutes: soon'], /line 6, studies waitMinutes/],
    ['no rules', [valid.slice(valid.indexOf('studies:')), ''], /needs rules or studies/],
  ] as const)('are refused with %s, and the line is named', async (_what, [from, to], sentence) => {
    await expect(read(valid.replace(from, to))).rejects.toThrow(sentence);
  });
});
