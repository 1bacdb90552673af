import { expect, test } from 'vitest';
import { clientAddress, forwardedFor, forwardedHeader } from '../../../src/access/forwarded.js';

const secret = 'a-secret-of-the-tests';
const now = 1_800_000_000_000;
const received = (header: string | undefined, ip: string | undefined = '10.0.0.9') => ({
  ip,
  get: (name: string) => (name === forwardedHeader ? header : undefined),
});

test.each(['192.0.2.1', '::ffff:192.0.2.1', '2001:db8::1', 'fe80::1%eth0'])(
  'a client at %s keeps its address when its request is forwarded',
  (address) => {
    const header = forwardedFor(secret, address, now);
    expect(clientAddress(secret, received(header), now + 59_000)).toBe(address);
    expect(clientAddress(secret, received(header), now - 59_000)).toBe(address);
  },
);

const genuine = forwardedFor(secret, '192.0.2.1', now);
test.each([
  ['no header', undefined],
  ['an empty one', ''],
  ['one of another secret', forwardedFor('another-secret', '192.0.2.1', now)],
  ['the address alone', '192.0.2.1'],
  ['another address', genuine.replace('192.0.2.1', '192.0.2.2')],
  ['another time', genuine.replace(String(now), String(now + 1))],
  ['no MAC', `${now}..192.0.2.1`],
  ['two headers', `${genuine}, ${genuine}`],
  ['one of the last hour', forwardedFor(secret, '192.0.2.1', now - 3_600_000)],
  ['one of the next hour', forwardedFor(secret, '192.0.2.1', now + 3_600_000)],
  ['one of a client that had left', forwardedFor(secret, '', now)],
])('with %s, the address is that of the connection', (_, header) => {
  expect(clientAddress(secret, received(header), now)).toBe('10.0.0.9');
});

test('a client that has left has no address', () => {
  expect(clientAddress(secret, { ip: undefined, get: () => undefined }, now)).toBe('');
});
