import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { errorsPage } from '../../../scripts/errors-page.js';
import { catalogue } from '../../../src/errors/catalogue.js';
import { createError, terminalMessage } from '../../../src/errors/errors.js';
import { shipped } from '../../../src/files/places.js';

test('an error carries its code, a sentence for the user, and what caused it', () => {
  const cause = new Error('ECONNREFUSED');
  const error = createError(
    'orthanc_unreachable',
    { url: 'http://localhost:8042', why: 'connection refused' },
    cause,
  );
  expect(error.code).toBe('orthanc_unreachable');
  expect(error).toMatchObject({ transient: true, status: 503, exit: 1 });
  expect(error.message).toContain('PLAINVIEW_ORTHANC_URL');
  expect(error.cause).toBe(cause);
});

test('a terminal shows the cause of a fault of Plainview, and of nothing else', () => {
  expect(terminalMessage(new TypeError('x is not a function'))).toMatch(
    /^This is a fault of Plainview itself.*\n.*x is not a function/,
  );
  const known = createError('busy', {}, new Error('hidden'));
  expect(terminalMessage(known)).toBe(known.message);
});

test('docs/errors.md shows every error as it is (else: npm run docs)', () => {
  const page = readFileSync(shipped('docs', 'errors.md'), 'utf8');
  expect(page).toBe(errorsPage());
  for (const code of Object.keys(catalogue)) expect(page).toContain(`\n## \`${code}\`\n`);
  expect(page).toContain('> Orthanc at {url} does not answer ({why}).');
  for (const file of ['explorer_plugin.py', 'plainview_service.py', 'plainview_users.py'])
    for (const [, code] of readFileSync(shipped('orthanc', file), 'utf8').matchAll(/Problem\(\d+, '(\w+)'/g))
      expect(page).toContain(`\`${code}\``);
  expect(page).not.toMatch(/undefined|\[object/);
});
