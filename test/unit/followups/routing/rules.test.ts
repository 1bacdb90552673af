import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InstanceRecord } from '../../../../src/decisions/schema.js';
import type { PlainviewError } from '../../../../src/errors/errors.js';
import { shipped } from '../../../../src/files/places.js';
import { actionsOf, evaluateRules } from '../../../../src/followups/routing/rules/evaluate.js';
import { readRules, requireKnownDestinations } from '../../../../src/followups/routing/rules/read.js';
import { stubClasses } from '../../../../testkit/classifier.js';
import { head, type RulesFolder, rulesFolder } from '../../../../testkit/rules.js';

let place: RulesFolder;
beforeAll(async () => {
  place = await rulesFolder();
});
afterAll(() => place.discard());

const record: InstanceRecord = {
  version: 1,
  decision: 'category',
  category: 'knee_lateral',
  reason: '',
  top: [{ category: 'knee_lateral', score: 0.96 }],
  who: 'network',
  network: { name: 'stub', sha256: 'a' },
  engine: 'wasm',
  // A Tuesday in summer: 23:30 in Berlin.
  when: '2026-07-07T21:30:00.000Z',
  ms: 1,
  labels: [],
  order: {
    answer: 'differs',
    bodyPart: { answer: 'agrees', reason: '' },
    projection: { answer: 'cannot_tell', reason: '' },
    side: { answer: 'differs', reason: '' },
    words: [],
  },
};
const tags = new Map([
  ['StationName', 'ROOM3'],
  ['ImageType', 'ORIGINAL\\PRIMARY'],
]);

async function rules(of: object[], over: object = {}) {
  const webhooks = { hook: { url: 'http://127.0.0.1/', secretFile: 'hook.secret' } };
  return readRules(await place.write({ ...head, webhooks, rules: of, ...over }), stubClasses);
}

/** @returns why a rule with these conditions does not apply; undefined if it does */
async function whyNot(when: object, over: Partial<InstanceRecord> = {}, more: object = {}) {
  const read = await rules([{ name: 'it', when, do: { peer: 'p' }, ...more }], {
    timeZone: 'Europe/Berlin',
  });
  return evaluateRules(read, { record: { ...record, ...over }, sender: 'XRAY1', tags })[0]?.whyNot;
}

describe('a condition', () => {
  test.each([
    ['category', { category: 'knee_*' }, { category: ['hand_ap', 'knee_ap'] }],
    ['decision', { decision: 'category' }, { decision: ['failed', 'needs_review'] }],
    ['score', { score: { from: 0.96, below: 0.97 } }, { score: { from: 0.97 } }],
    ['score below', { score: { below: 0.97 } }, { score: { below: 0.96 } }],
    ['who', { who: 'network' }, { who: 'person' }],
    ['station', { station: ['a', 'room?'] }, { station: 'ROOM' }],
    ['sender', { sender: 'XRAY*' }, { sender: 'CT*' }],
    ['tags', { tags: { ImageType: 'PRIMARY' } }, { tags: { ImageType: 'SECONDARY' } }],
    ['an absent tag', { tags: { Laterality: '' } }, { tags: { Laterality: '?*' } }],
    ['the order check', { order: 'differs' }, { order: ['agrees', 'cannot_tell'] }],
    ['a finding of it', { order: { side: 'differs' } }, { order: { bodyPart: 'differs' } }],
    ['a day', { time: { days: ['tue'] } }, { time: { days: 'wed' } }],
    ['a time of day', { time: { between: '22:00-06:00' } }, { time: { between: '08:00-18:00' } }],
  ])('on %s holds or does not', async (_what, holds, holdsNot) => {
    expect(await whyNot(holds)).toBeUndefined();
    expect(await whyNot(holdsNot)).toMatch(/not|less|out of/);
  });

  test('does not reveal the value of an attribute', async () => {
    expect(await whyNot({ tags: { StationName: 'X' } })).toBe('StationName is another, not X');
  });

  test('on the score counts a person’s decision as 1', async () => {
    const byPerson: Partial<InstanceRecord> = { who: 'person', top: [] };
    expect(await whyNot({ score: { from: 0.99 } }, byPerson)).toBeUndefined();
  });

  test('on the order check is cannot_tell where the order was not compared', async () => {
    const { order: _, ...without } = record;
    const read = await rules([{ name: 'it', when: { order: 'cannot_tell' }, do: { peer: 'p' } }]);
    expect(evaluateRules(read, { record: without, sender: '', tags })[0]?.whyNot).toBeUndefined();
  });

  test('under unless excludes an instance only where all conditions hold', async () => {
    const unless = { category: 'knee_*', station: 'ROOM3' };
    expect(await whyNot({}, {}, { unless })).toContain('unless');
    expect(await whyNot({}, {}, { unless: { ...unless, station: 'ROOM4' } })).toBeUndefined();
  });
});

test('rules are evaluated in order; each destination is used once; stop ends the evaluation', async () => {
  const read = await rules([
    { name: 'first', do: { peer: ['a', 'b'], label: 'one' } },
    { name: 'second', do: { peer: 'b', webhook: 'hook', stop: true } },
    { name: 'third', do: { peer: 'c' } },
  ]);
  const verdicts = evaluateRules(read, { record, sender: '', tags });
  expect(verdicts[2]?.whyNot).toContain('second');
  const { sends, labels } = actionsOf(verdicts);
  expect(sends.map(({ rule, target }) => [rule.name, target.kind, target.name])).toEqual([
    ['first', 'peer', 'a'],
    ['first', 'peer', 'b'],
    ['second', 'webhook', 'hook'],
  ]);
  expect(labels).toEqual(['one']);
});

const valid = `version: 1
since: 2026-01-01
webhooks:
  hook: { url: http://127.0.0.1/, secretFile: hook.secret }
rules:
  - name: knees
    when:
      category: knee_*
    do:
      peer: ortho
`;

describe('a file of rules', () => {
  test('that is valid is accepted', async () => {
    expect(readRules(await place.write(valid), stubClasses).rules).toHaveLength(1);
  });

  test.each([
    ['a mistyped key', ['category:', 'categorie:'], /line 8, rules 1 when categorie: there is no such key/],
    ['a mistyped category', ['knee_*', 'kne_*'], /line 8, .*there is no category kne_\*/],
    ['a rule that does nothing', ['peer: ortho', 'stop: false'], /line 9, rules 1 do: does nothing/],
    ['a missing day', ['since: 2026-01-01\n', ''], /line 1, since: must look like/],
    ['a score over 1', ['category: knee_*', 'score: {from: 95}'], /line 8, rules 1 when score from: /],
    ['an unknown webhook', ['peer: ortho', 'webhook: other'], /line 10, .*no other under webhooks/],
    [
      'a label of ours',
      ['peer: ortho', 'label: knee_ap'],
      /line 10, .*knee_ap is a label of Plainview's own/,
    ],
    ['a state label', ['peer: ortho', 'label: needs_review'], /Plainview's own/],
    [
      'a second rule of that name',
      ['    do:', '    do: {peer: a}\n  - name: knees\n    do:'],
      /line 10, .*another rule knees/,
    ],
    [
      'a place that is no time zone',
      ['rules:', 'timeZone: Berlin\nrules:'],
      /line 5, timeZone: must be a time zone/,
    ],
    ['a missing secret', ['hook.secret', 'none.secret'], /line 4, webhooks hook secretFile: ENOENT/],
    [
      'a time that is none',
      ['category: knee_*', 'time: {between: 8-18}'],
      /line 8, .*must look like 22:00-06:00/,
    ],
    [
      'an exception without condition',
      ['    do:', '    unless: {}\n    do:'],
      /line 9, rules 1 unless: needs a condition/,
    ],
    ['what is no YAML', ['when:', 'when: ]['], /line 7: /],
    ['another version', ['version: 1', 'version: 2'], /line 1, version/],
  ] as const)('with %s is refused, and the line is named', async (_what, [from, to], sentence) => {
    const file = await place.write(valid.replace(from, to));
    expect(() => readRules(file, stubClasses)).toThrow(sentence);
  });

  test('with several kinds of mistakes is refused with all of them', async () => {
    const mistakes = [
      ['since: 2026-01-01', 'since: yesterday\nperMinutes: 5'],
      ['hook.secret', 'none.secret'],
      ['category: knee_*', 'category: kne_*\n      score: {from: 95}'],
      ['peer: ortho', 'webhook: other\n      label: knee_ap\n  - name: knees\n    do: {stop: true}'],
    ] as const;
    const file = await place.write(mistakes.reduce((text, [from, to]) => text.replace(from, to), valid));
    const every = [
      /line 2, since: must look like/,
      /line 3, perMinutes: there is no such key/,
      /line 5, webhooks hook secretFile: ENOENT/,
      /line 9, .*there is no category kne_\*/,
      /line 10, rules 1 when score from: /,
      /line 12, .*no other under webhooks/,
      /line 13, .*knee_ap is a label of Plainview's own/,
      /line 14, .*another rule knees/,
    ];
    for (const sentence of every) expect(() => readRules(file, stubClasses)).toThrow(sentence);
  });

  test.each(['', 'any text', '- a'])('that is %j is refused with a hint at the format', async (text) => {
    const file = await place.write(text);
    expect(() => readRules(file, stubClasses)).toThrow(
      /line 1: must hold version, since and rules \(docs\/routing\.md\)/,
    );
  });

  test.each(['', '[]', 'rules: 3', '- a', 'version: 1\nrules: *x', '\u0000'])(
    'that is %j is refused, not crashed upon',
    async (text) => {
      const file = await place.write(text);
      const refused = await Promise.resolve()
        .then(() => readRules(file, stubClasses))
        .catch((error: PlainviewError) => error);
      expect(refused).toMatchObject({ code: 'rules_invalid' });
    },
  );

  test('with a weak secret is refused, and the secret is not shown', async () => {
    await writeFile(join(place.file, '..', 'weak.secret'), 'hunter2');
    const file = await place.write(valid.replace('hook.secret', 'weak.secret'));
    expect(() => readRules(file, stubClasses)).toThrow(/openssl rand/);
    expect(() => readRules(file, stubClasses)).not.toThrow(/hunter2/);
  });

  test('is checked against the destinations that Orthanc knows', async () => {
    const read = readRules(await place.write(valid), stubClasses);
    const known = { peer: ['orthopaedics'], modality: [], dicomweb: [], aets: new Map<string, string>() };
    expect(() => requireKnownDestinations(read, known)).toThrow(
      /line 10, rule knees: Orthanc's configuration has no peer ortho in OrthancPeers \(it knows orthopaedics\)/,
    );
    expect(() => requireKnownDestinations(read, { ...known, peer: ['ortho'] })).not.toThrow();
  });
});

test('the example in docs/ is valid', async () => {
  const text = await readFile(shipped('docs', 'rules.yaml'), 'utf8');
  const file = await place.write(text.replace('worklist.secret #', 'hook.secret #'));
  const { rules: read } = readRules(file, [...stubClasses, 'hand_ap', 'knee_ap']);
  expect(read.map(({ name }) => name)).toEqual([
    'phantoms',
    'bone age',
    'knees',
    'teleradiology',
    'worklist',
  ]);
});
