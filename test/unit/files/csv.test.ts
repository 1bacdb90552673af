import { expect, test } from 'vitest';
import { csvLine } from '../../../src/files/csv.js';

test('quotes exactly the values that RFC 4180 quotes', () => {
  expect(csvLine(['knee ap', 0.12345678901, undefined, '', "it's; =1", 'Ä', ' ', 1e-7])).toBe(
    "knee ap,0.12345678901,,,it's; =1,Ä, ,1e-7",
  );
  expect(csvLine(['a,b', 'say "x"', 'one\rtwo', 'one\ntwo', 'one\r\ntwo', '"'])).toBe(
    '"a,b","say ""x""","one\rtwo","one\ntwo","one\r\ntwo",""""',
  );
});

test('a text that a spreadsheet would compute is marked as text, a number is not', () => {
  expect(csvLine(['=1+1', '+1', '-1', '@SUM(A1)', '\tA', -1, 'a=1', '=a,b'])).toBe(
    `'=1+1,'+1,'-1,'@SUM(A1),'\tA,-1,a=1,"'=a,b"`,
  );
});
