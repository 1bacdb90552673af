import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fileProblem } from '../../../src/files/file-problem.js';

const problemOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return fileProblem(path, error);
  }
};

test('says what is wrong with a file, without the words of the system', () => {
  expect(problemOf('/no/such/file')).toBe('/no/such/file does not exist');
  expect(problemOf('/')).toBe('/ is a folder, not a file');
  expect(problemOf('/etc/passwd/file')).toBe('/etc/passwd/file lies below a file, not below a folder');
  expect(fileProblem('/secret', Object.assign(new Error('EACCES'), { code: 'EACCES' }))).toBe(
    '/secret may not be read or written by this user',
  );
  expect(fileProblem('/secret', new Error('EIO: i/o error'))).toBe('EIO: i/o error');
});
