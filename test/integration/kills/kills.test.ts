import { afterAll, describe, expect, test } from 'vitest';
import { combinations, nameOf, operations, problemsOf } from '../../../testkit/kill-matrix.js';
import { discardStates } from '../../../testkit/mortal-service.js';

afterAll(discardStates);

// A sample: `npm run chaos -- --only changes` kills before every change.
const stride = 48;
const sample = ['rules', 'rules, tags', 'tags, report study', 'rules, tags, report instance'];

describe('a service that is killed before a change, and goes on, leaves what it would have left', () => {
  const cases = operations.flatMap((operation, row) =>
    combinations
      .filter((followUps) => sample.includes(nameOf(followUps)))
      .map((followUps, column) => ({ operation, followUps, offset: 5 * row + 7 * column })),
  );
  test.each(cases.map((each) => ({ ...each, name: nameOf(each.followUps) })))(
    '$operation with $name',
    { timeout: 180_000 },
    async ({ operation, followUps, offset }) => {
      const { problems } = await problemsOf(
        operation,
        followUps,
        (changes) => changes % stride === offset % stride,
      );
      expect(problems).toEqual([]);
    },
  );

  test('a confirmation, which changes labels and no category, without a follow-up', {
    timeout: 180_000,
  }, async () => {
    const followUps = { rules: false, tags: 'off', report: 'off' } as const;
    const { problems } = await problemsOf('orient', followUps, (changes) => changes < 6);
    expect(problems).toEqual([]);
  });
});
