import { expect, test } from 'vitest';
import { Signatures, signatureHeader, signedHeaders } from '../../../src/access/signature.js';

const secret = 'a secret of more than sixteen characters';
const request = { method: 'GET', target: '/api/v1/things/a' };

test('a request that is signed in the millisecond of the start is accepted, however the clock rounds', () => {
  const signatures = new Signatures(secret);
  const now = Date.now();
  const headers = signedHeaders(secret, { ...request, who: 'alice', role: 'admin' }, now);
  const signed = { ...request, user: 'alice', role: 'admin' };
  expect(() => signatures.check(signed, headers[signatureHeader] ?? '', now + 1)).not.toThrow();
});

test('what was signed before the start is not', () => {
  const now = Date.now();
  const headers = signedHeaders(secret, { ...request, who: 'alice', role: 'admin' }, now - 100);
  const signed = { ...request, user: 'alice', role: 'admin' };
  const check = () => new Signatures(secret).check(signed, headers[signatureHeader] ?? '', now);
  expect(check).toThrow(expect.objectContaining({ code: 'clocks_differ' }));
});
