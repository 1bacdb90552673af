import { userInfo } from 'node:os';
import { expect, test } from 'vitest';
import { callerName } from '../../../src/access/caller.js';
import { userName } from '../../../src/commands/user-name.js';

test('the name is that of the user, or of the one who called sudo', () => {
  expect(userName({})).toBe(userInfo().username);
  expect(userName({ SUDO_USER: 'alice' })).toBe('alice');
});

test.each([
  ['HOSPITAL\\alice', 'HOSPITAL_alice'],
  [`${'x'.repeat(63)}\u{1F600}`, `${'x'.repeat(63)}_`],
  ['a<b>\n', 'a_b__'],
])('the name %j is recorded as %s', (given, recorded) => {
  expect(userName({ SUDO_USER: given })).toBe(recorded);
  expect(callerName.safeParse(recorded).success).toBe(true);
});
