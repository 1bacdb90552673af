import { expect, test } from 'vitest';
import { usePage } from './support/page.js';

const page = usePage();

test('a session knows who reads, what the role allows, and the categories', async () => {
  const { api, session } = page();
  api.on('GET me', () => ({ who: 'alice', role: 'reviewer', how: 'orthanc' }));
  api.on('GET categories', () => ({
    categories: [
      { name: 'foot_lateral', region: { meaning: 'Foot' }, part: 'FOOT', projection: 'lateral' },
      { name: 'knee_ap' },
    ],
    networkClasses: ['knee_ap', 'other'],
    words: { FOOT: ['Fuß'], lateral: ['seitlich'] },
  }));
  await session.openSession();
  expect(session.me.value?.who).toBe('alice');
  expect([session.mayReview.value, session.mayAdminister.value]).toEqual([true, false]);
  expect(session.categories.value).toEqual([
    { name: 'knee_ap', isKnown: true, region: '', words: [] },
    { name: 'foot_lateral', isKnown: false, region: 'Foot', words: ['foot', 'fuss', 'seitlich'] },
  ]);
});

test('a 401 asks for a token; one that is refused is forgotten, the right one is sent and kept', async () => {
  const { api, client, session } = page();
  api.on('GET me', ({ headers }) =>
    headers.get('authorization') === 'Bearer right'
      ? { who: 'alice', role: 'admin', how: 'token' }
      : Response.json({ title: 'A token is needed.', status: 401, code: 'unauthorised' }, { status: 401 }),
  );
  api.on('GET categories', () => ({ categories: [], networkClasses: [], words: {} }));
  await expect(session.openSession()).rejects.toThrow('A token is needed.');
  expect([client.signInNeeded.value, client.refusal.value]).toEqual([true, undefined]);
  client.signIn('wrong');
  expect(client.signInNeeded.value).toBe(false);
  await expect(session.openSession()).rejects.toThrow('A token is needed.');
  expect([client.signInNeeded.value, client.refusal.value]).toEqual([
    true,
    expect.stringContaining('does not know this token'),
  ]);
  expect(window.sessionStorage.getItem('plainview-token')).toBeNull();
  client.signIn('right');
  await session.openSession();
  expect([client.signInNeeded.value, client.refusal.value]).toEqual([false, undefined]);
  expect(window.sessionStorage.getItem('plainview-token')).toBe('right');
  expect(session.mayAdminister.value).toBe(true);
});

test.each([
  ['no answer', () => Promise.reject(new TypeError('failed')), 'The service does not answer.'],
  ['a proxy’s page', () => new Response('<html>', { status: 502 }), 'answers 502'],
  ['another version', () => ({ name: 'alice' }), 'does not fit the version'],
])('the error for %s says what is wrong', async (_what, reply, message) => {
  const { api, session } = page();
  api.on('GET me', reply);
  await expect(session.openSession()).rejects.toThrow(message);
});

test('a query is sent in a header too, as it is written, because Orthanc may change it on the way', async () => {
  const { api, client } = page();
  const sent: (string | null)[] = [];
  api.on('GET worklist', ({ headers }) => {
    sent.push(headers.get('x-plainview-query'));
    return {};
  });
  await client.sendRequest('worklist', { query: { text: 'a&category=x +%', cursor: undefined } });
  await client.sendRequest('worklist');
  expect(sent).toEqual(['text=a%26category%3Dx+%2B%25', null]);
});
