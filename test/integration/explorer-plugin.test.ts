import type { IncomingHttpHeaders } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { deriveKey } from '../../src/access/keys.js';
import { Signatures } from '../../src/access/signature.js';
import type { DebianSuite } from '../../src/sandbox/debian.js';
import { Listener, type ListenerResponse } from '../../testkit/listener.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';

const secret = 'the secret of both';
const users = { alice: 'alices', bob: 'bobs', 'Jürgen Ł.': 'geheim', 'o<script>': 'x' };
const configuration = {
  RegisteredUsers: users,
  Plainview: { Roles: { alice: 'admin', 'Jürgen Ł.': 'reviewer' } },
};

const login = (user: keyof typeof users | 'mallory', password?: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password ?? { ...users, mallory: '' }[user]}`).toString('base64')}`,
});

const withoutSignature = ({ 'x-plainview-signature': signature, ...others }: IncomingHttpHeaders) => ({
  signature: String(signature),
  ...others,
});

const json = { 'content-type': 'application/json' };

describe.each<DebianSuite>(['trixie', 'forky'])('under /plainview of Orthanc from %s', (suite) => {
  const service = new Listener(secret);
  beforeAll(() => service.listen());
  afterAll(() => service.close());
  const real = useOrthanc(async () => ({
    hook: { url: service.url, secret },
    explorer: true,
    configuration,
    suite,
  }));
  const request = (path: string, init: RequestInit = {}, who: Record<string, string> = login('alice')) =>
    fetch(`${real.orthanc.url}/plainview${path}`, { ...init, headers: { ...who, ...init.headers } });
  const problem = async (answer: Response) => ({
    status: answer.status,
    ...((await answer.json()) as object),
  });
  const ok: ListenerResponse = { status: 200, body: '{"a":"ä"}', headers: json };

  beforeEach(() => {
    service.answer = ok;
    service.requests.length = 0;
  });

  test('the service gets the caller’s name and role, and no forged header of the client', async () => {
    const answer = await request(
      '/api/v1/worklist?state=needs_review&text=a%20b%26c&text=b%2Bc&cursor=',
      {
        headers: {
          'x-plainview-user': 'root',
          'x-plainview-role': 'admin',
          'x-plainview-secret': 'guessed',
          'x-plainview-signature': 'forged',
          'x-plainview-query': 'state=needs_review&text=a%20b%26c&text=b%2Bc&cursor=',
          'X-Plainview-Anything': 'x',
          cookie: 'a=b',
          te: 'trailers',
          'x-forwarded-for': '10.0.0.1',
          'sec-fetch-site': 'same-origin',
          accept: 'application/json',
        },
      },
      login('bob'),
    );
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(await answer.text()).toBe('{"a":"ä"}');
    const [{ url, method, headers } = { url: '', method: '', headers: {} }] = service.requests;
    expect([method, url]).toEqual([
      'GET',
      '/api/v1/worklist?state=needs_review&text=a%20b%26c&text=b%2Bc&cursor=',
    ]);
    const { signature, ...others } = withoutSignature(headers);
    expect(
      new Signatures(secret).isGenuine(
        { method: method ?? '', target: url ?? '', user: 'bob', role: 'viewer' },
        signature,
      ),
    ).toBe(true);
    const {
      host: _,
      connection: __,
      'content-length': ___,
      'accept-encoding': ____,
      'accept-language': _____,
      ...forwardedHeaders
    } = others;
    expect(forwardedHeaders).toEqual({
      accept: 'application/json',
      'sec-fetch-site': 'same-origin',
      'x-plainview-user': 'bob',
      'x-plainview-role': 'viewer',
    });
  });

  test.each([
    ['alice', 'alice', 'admin'],
    ['Jürgen Ł.', 'J%C3%BCrgen%20%C5%81.', 'reviewer'],
  ] as const)('%s is passed on as %s with the role %s', async (user, name, role) => {
    await request('/api/v1/me', {}, login(user));
    expect(service.requests[0]?.headers).toMatchObject({
      'x-plainview-user': name,
      'x-plainview-role': role,
    });
  });

  test('a caller without a valid login of Orthanc is refused', async () => {
    for (const who of [{}, login('alice', 'guessed'), login('mallory', '')])
      expect((await request('/api/v1/me', {}, who)).status).toBe(401);
    expect(service.requests).toEqual([]);
  });

  test('a user whose name the service cannot record is refused with the reason', async () => {
    expect(await problem(await request('/api/v1/me', {}, login('o<script>')))).toMatchObject({
      status: 403,
      code: 'user_unnamable',
    });
  });

  test('requests that change something are passed on unchanged', async () => {
    for (const method of ['POST', 'PUT']) {
      const body = JSON.stringify({ category: 'knee_ap', ü: 1 });
      await request('/api/v1/instances/1-2/decision', { method, body, headers: json });
      expect(service.requests.pop()).toMatchObject({
        method,
        body,
        headers: { 'content-type': 'application/json' },
      });
    }
    await request('/api/v1/requests/1-2', { method: 'DELETE' });
    expect(service.requests.pop()).toMatchObject({ method: 'DELETE', url: '/api/v1/requests/1-2' });
  });

  test.each([
    ['another site', { 'sec-fetch-site': 'cross-site', ...json }, 403, 'other_site'],
    ['a form', { 'content-type': 'text/plain' }, 415, 'not_json'],
  ] as const)('%s changes nothing', async (_what, headers, status, code) => {
    for (const path of ['/api/v1/requests', '/reclassify'])
      expect(await problem(await request(path, { method: 'POST', body: '{}', headers }))).toMatchObject({
        status,
        code,
      });
    expect(service.requests).toEqual([]);
  });

  test('a body of more than 256 kB is refused', async () => {
    const body = `"${'x'.repeat(257 * 1024)}"`;
    expect(
      await problem(await request('/api/v1/requests', { method: 'POST', body, headers: json })),
    ).toMatchObject({
      status: 413,
      code: 'request_too_large',
    });
  });

  test.each([
    '/hook',
    '/metrics',
    '/health/ready',
    '/api/../hook',
    '/api/%2e%2e/hook',
    '/api/v1/..%2f..%2fhook',
    '/api/v1/%0d%0aX-Plainview-Role:%20admin',
    '/api/v1/a@b',
    '/review\\..\\hook',
    '',
  ])('%s is not found', async (path) => {
    const answer = await request(path);
    expect(answer.status).toBe(404);
    expect(service.requests).toEqual([]);
  });

  test('errors of the service are passed on', async () => {
    for (const status of [202, 400, 403, 404, 409, 415, 500, 503]) {
      service.answer = { status, body: '{"code":"theirs"}' };
      expect(await problem(await request('/api/v1/me'))).toEqual({ status, code: 'theirs' });
    }
    service.answer = { status: 429, body: '{"code":"busy"}', headers: { 'retry-after': '3' } };
    const busy = await request('/api/v1/me');
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([503, '3']);
    service.answer = { status: 405, body: '', headers: { allow: 'GET, POST' } };
    expect((await request('/api/v1/me')).status).toBe(405);
    service.answer = { status: 304, body: '', headers: { etag: '"1"' } };
    expect((await request('/api/v1/me', { headers: { 'if-none-match': '"1"' } })).status).toBe(304);
  });

  test('headers of the service are passed on, except those that set a cookie, redirect or request a password', async () => {
    service.answer = {
      ...ok,
      headers: {
        ...json,
        'content-security-policy': "default-src 'none'",
        'cache-control': 'private, max-age=60',
        'set-cookie': 'a=b',
        location: 'https://elsewhere.example/',
        'www-authenticate': 'Basic',
      },
    };
    const { headers } = await request('/review/');
    expect(headers.get('content-security-policy')).toBe("default-src 'none'");
    expect(headers.get('cache-control')).toBe('private, max-age=60');
    for (const name of ['set-cookie', 'location', 'www-authenticate']) expect(headers.get(name)).toBeNull();
    expect(service.requests[0]?.url).toBe('/review/');
  });

  test('a refused signature is reported as an error of the configuration, not of the user', async () => {
    const title = 'The request was signed 70 s ago.';
    service.answer = { status: 401, body: JSON.stringify({ code: 'clocks_differ', title }) };
    expect(await problem(await request('/api/v1/me'))).toMatchObject({
      status: 502,
      code: 'clocks_differ',
      title,
    });
  });

  test.each([
    ['no secret', undefined],
    ['another secret', 'another secret of both'],
  ])(
    'a program with %s in the service’s place learns no key, and its pages are not shown',
    async (_what, other) => {
      await service.close();
      const impostor = new Listener(other);
      impostor.answer = {
        status: 200,
        body: '<script>steal()</script>',
        headers: { 'content-type': 'text/html' },
      };
      await impostor.listen(Number(new URL(service.url).port));
      try {
        for (const path of ['/review/', '/api/v1/me']) {
          const answer = await request(path, { headers: { accept: 'text/html' } });
          expect(await answer.text()).not.toContain('steal');
          expect(answer.status).toBe(502);
        }
        const session = await (await request('/session')).json();
        expect(session).toMatchObject({
          service: { answers: false, why: expect.stringContaining('does not prove') },
        });
        // The request is kept in Orthanc, as if nothing had answered.
        const body = JSON.stringify({ resources: '11111111-22222222-33333333-44444444-55555555' });
        expect((await request('/reclassify', { method: 'POST', body, headers: json })).status).toBe(404);
        expect(impostor.requests.length).toBe(4);
        const all = JSON.stringify(impostor.requests);
        for (const key of [
          secret,
          ...(['hook', 'request', 'answer', 'seal'] as const).map((each) =>
            deriveKey(secret, each).toString('hex'),
          ),
        ])
          expect(all).not.toContain(key);
        expect(all).not.toContain(login('alice').authorization);
      } finally {
        await impostor.close();
        await service.listen();
      }
    },
  );

  test.each([
    'state=needs_review&category=knee_ap',
    'text=100%25',
    'text=a%2Bb+c',
    'text=x%26category%3Dknee_ap',
    'text=1&text=2',
    'cursor=',
  ])('the query %s is passed on as it was written, from the header of the page', async (query) => {
    const path = `/api/v1/worklist?${query}`;
    expect((await request(path, { headers: { 'x-plainview-query': query } })).status).toBe(200);
    expect(service.requests.map(({ url }) => url)).toEqual([path]);
    // Orthanc hands over another query than the client wrote, so it is not passed on.
    expect(await problem(await request(path))).toMatchObject({ status: 400, code: 'query_ambiguous' });
    expect(service.requests).toHaveLength(1);
  });

  test('a header that is no query is refused, and the files of the page need none', async () => {
    expect(
      await problem(await request('/api/v1/worklist', { headers: { 'x-plainview-query': 'a=<' } })),
    ).toMatchObject({ status: 400, code: 'request_malformed' });
    await request('/review/?a=b');
    expect(service.requests.map(({ url }) => url)).toEqual(['/review/']);
  });

  test('events are refused at once', async () => {
    expect(await problem(await request('/api/v1/events'))).toMatchObject({
      status: 501,
      code: 'no_events_here',
    });
    expect(service.requests).toEqual([]);
  });

  test('a service that hangs blocks neither Orthanc nor other pages', async () => {
    service.answer = 'never';
    const hanging = new AbortController();
    const held = Array.from({ length: 16 }, () =>
      request('/api/v1/me', { signal: hanging.signal }).catch(() => undefined),
    );
    await waitFor(() => service.requests.length === 16);
    expect(await problem(await request('/api/v1/me'))).toMatchObject({ status: 503, code: 'service_busy' });
    const began = performance.now();
    await Promise.all(
      Array.from({ length: 20 }, () => fetch(`${real.orthanc.url}/system`, { headers: login('bob') })),
    );
    expect(performance.now() - began).toBeLessThan(5_000);
    hanging.abort();
    await service.close();
    await Promise.all(held);
    await service.listen();
    service.answer = ok;
    await waitFor(async () => (await request('/api/v1/me')).ok);
  });

  test('a session contains name and role, and whether the service answers', async () => {
    const session = async () => (await request('/session', {}, login('bob'))).json();
    expect(await session()).toEqual({ who: 'bob', role: 'viewer', service: { answers: true } });
    await service.close();
    try {
      expect(await session()).toMatchObject({
        service: { answers: false, why: expect.stringContaining('PLAINVIEW_URL') },
      });
      expect(await problem(await request('/api/v1/me'))).toMatchObject({ status: 503, code: 'service_away' });
      // A browser that opens the page in the meantime shows the problem, and reloads by itself.
      const page = await request('/review/', { headers: { accept: 'text/html,*/*' } });
      expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
      expect(await page.text()).toMatch(/http-equiv="refresh".*does not answer/);
    } finally {
      await service.listen();
    }
  });

  test('reclassification needs the role admin, and identifiers', async () => {
    const post = async (body: unknown, user: 'alice' | 'bob' | 'Jürgen Ł.') =>
      problem(
        await request(
          '/reclassify',
          { method: 'POST', body: JSON.stringify(body), headers: json },
          login(user),
        ),
      );
    const resources = ['11111111-22222222-33333333-44444444-55555555'];
    for (const user of ['bob', 'Jürgen Ł.'] as const)
      expect(await post({ resources }, user)).toMatchObject({ status: 403, code: 'forbidden' });
    for (const body of [
      {},
      [],
      { resources: [] },
      { resources: ['1/../2'] },
      { resources: [1] },
      { resources: '' },
    ])
      expect(await post(body, 'alice')).toMatchObject({ status: 400, code: 'request_malformed' });
    expect(service.requests).toEqual([]);
    service.answer = { status: 202, body: '{"id":"1","state":"running"}' };
    expect(await post({ resources }, 'alice')).toEqual({ status: 202, id: '1', state: 'running' });
    expect(service.requests[0]).toMatchObject({
      method: 'POST',
      url: '/api/v1/requests',
      headers: { 'x-plainview-user': 'alice' },
    });
    expect(JSON.parse(service.requests[0]?.body ?? '')).toEqual({ selection: { ids: resources } });
    await service.close();
    try {
      expect(await post({ resources }, 'alice')).toMatchObject({ status: 404, code: 'resource_unknown' });
    } finally {
      await service.listen();
    }
  });
});
