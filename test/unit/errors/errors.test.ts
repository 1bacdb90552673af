import { expect, test } from 'vitest';
import { createError } from '../../../src/errors/errors.js';

test('an error carries its code, a sentence for the user, and what caused it', () => {
  const cause = new Error('ECONNREFUSED');
  const error = createError(
    'orthanc_unreachable',
    { url: 'http://localhost:8042', why: 'connection refused' },
    cause,
  );
  expect(error.code).toBe('orthanc_unreachable');
  expect(error.transient).toBe(true);
  expect(error.message).toContain('PLAINVIEW_ORTHANC_URL');
  expect(error.cause).toBe(cause);
});
