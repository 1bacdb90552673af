import { expect, test } from 'vitest';
import { newName, requireNetworkName } from '../../../src/networks/new-name.js';

const when = new Date('2026-01-02T03:04:05Z');

test.each([
  ['embedded', 'embedded-20260102-0304'],
  ['site-20251224-1800', 'site-20260102-0304'],
  ['NNCPR (ResNet-50), v1', 'NNCPR-ResNet-50-v1-20260102-0304'],
  ['../../etc', 'etc-20260102-0304'],
  ['x'.repeat(80), `${'x'.repeat(50)}-20260102-0304`],
  ['Röntgen', 'R-ntgen-20260102-0304'],
  ['網', 'network-20260102-0304'],
])('a network trained from %s has a name that can be chosen', (base, name) => {
  expect(newName(base, when)).toBe(name);
  expect(() => requireNetworkName(name)).not.toThrow();
});

test.each(['embedded', 'nncpr', '../x', 'a b', '', '.hidden', 'x'.repeat(65)])(
  'the name "%s" is refused',
  (name) => {
    expect(() => requireNetworkName(name)).toThrow(/--name/);
  },
);
