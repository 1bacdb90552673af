import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Validator } from '@seriousme/openapi-schema-validator';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import type { AuditEntry } from '../../../src/access/audit.js';
import { authenticator } from '../../../src/access/authenticate.js';
import { roles } from '../../../src/access/caller.js';
import { Signatures, signedHeaders } from '../../../src/access/signature.js';
import { createToken, hashToken, type Token } from '../../../src/access/tokens.js';
import { withDescription } from '../../../src/http/api/openapi.js';
import { operation } from '../../../src/http/api/operation.js';
import { apiRouter } from '../../../src/http/api/router.js';
import { createApp } from '../../../src/http/app.js';
import { failedAuthenticationLimiter } from '../../../src/http/failed-authentication-limiter.js';
import { signed } from '../../../testkit/signed.js';

const secret = 'a-secret-of-the-tests';
const silent = pino({ level: 'silent' });
const tokens: Token[] = roles.map((role) => ({
  name: `${role}-token`,
  role,
  sha256: hashToken(`pv_${role}`),
}));
const servers: Server[] = [];
let audited: AuditEntry[] = [];

const seen = z.object({ who: z.string(), role: z.string(), how: z.string() });
const operations = withDescription(
  [
    operation({
      id: 'look',
      tag: 'service',
      method: 'get',
      path: '/api/v1/things/{thing}',
      summary: 'Looks',
      role: 'viewer',
      params: z.strictObject({ thing: z.string().max(8) }),
      query: z.strictObject({ limit: z.coerce.number().int().min(1).max(5).default(2) }),
      answer: seen.extend({ thing: z.string(), limit: z.number() }),
      handle: ({ caller, params, query }) => ({ ...caller, ...params, ...query }),
    }),
    operation({
      id: 'change',
      tag: 'service',
      method: 'put',
      path: '/api/v1/things/{thing}',
      summary: 'Changes',
      role: 'reviewer',
      params: z.strictObject({ thing: z.string() }),
      body: z.strictObject({ to: z.string() }),
      answer: seen,
      status: 202,
      handle: ({ caller }) => caller,
    }),
    operation({
      id: 'remove',
      tag: 'service',
      method: 'delete',
      path: '/api/v1/things/{thing}',
      summary: 'Removes',
      role: 'admin',
      params: z.strictObject({ thing: z.string() }),
      answer: seen,
      handle: ({ caller }) => caller,
    }),
  ],
  '0.0.0',
);

async function listen(
  perMinute = 10_000,
  authenticate = authenticator(new Signatures(secret), tokens),
): Promise<string> {
  const server = createServer(
    createApp(
      [
        apiRouter(operations, {
          authenticate,
          limiter: failedAuthenticationLimiter(10),
          perMinute,
          audit: async (entry) => void audited.push(entry),
          log: silent,
        }),
      ],
      silent,
    ),
  );
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  audited = [];
});

const as = (role: string) => ({ authorization: `Bearer pv_${role}`, 'content-type': 'application/json' });
const change = { method: 'PUT', body: '{"to":"x"}' };

test('the description is valid OpenAPI 3.1 and contains every operation, including itself', async () => {
  const url = await listen();
  const answer = await fetch(`${url}/api/v1/openapi.json`, { headers: as('viewer') });
  const document = (await answer.json()) as {
    paths: Record<string, Record<string, { operationId: string }>>;
    webhooks: Record<string, { post: { requestBody: { content: object } } }>;
  };
  expect(await new Validator().validate(document)).toMatchObject({ valid: true });
  const ids = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  expect(ids.sort()).toEqual(['change', 'describeApi', 'look', 'remove']);
  expect(Object.keys(document.webhooks)).toEqual(['radiograph.decided', 'study.rule_applied']);
  expect(document.webhooks['study.rule_applied']?.post.requestBody.content).toMatchObject({
    'application/json': { schema: { properties: { data: { properties: { pictures: { type: 'array' } } } } } },
  });
});

test.each([
  ['viewer', 200, 403, 403],
  ['reviewer', 200, 202, 403],
  ['admin', 200, 202, 200],
  ['nobody', 401, 401, 401],
])('a %s looks, changes and removes: %i, %i, %i', async (role, looks, changes, removes) => {
  const url = `${await listen()}/api/v1/things/a`;
  const headers = as(role);
  expect((await fetch(url, { headers })).status).toBe(looks);
  expect((await fetch(url, { ...change, headers })).status).toBe(changes);
  expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(removes);
});

test('a request that the role does not allow is noted, with the name and without what was asked for', async () => {
  const url = `${await listen()}/api/v1/things/DOE%5EJANE`;
  await fetch(url, { ...change, headers: as('viewer') });
  await fetch(url, { headers: as('viewer') });
  expect(audited).toMatchObject([
    { caller: { who: 'viewer-token' }, action: 'refused', target: 'change', detail: { needs: 'reviewer' } },
  ]);
  expect(JSON.stringify(audited)).not.toContain('JANE');
});

test('a caller whom the identity provider knows, but who has no role here, may do nothing', async () => {
  const authenticate = async () => ({ who: 'nurse', role: 'none', how: 'openid' }) as const;
  const url = `${await listen(10_000, authenticate)}/api/v1/things/a`;
  const answer = await fetch(url, { headers: { authorization: 'Bearer eyJ' } });
  // The parameters let a client say it in another language.
  expect(await answer.json()).toMatchObject({
    status: 403,
    code: 'forbidden',
    params: { role: expect.any(String) },
  });
  expect(audited).toMatchObject([{ caller: { who: 'nurse', role: 'none' }, action: 'refused' }]);
});

test('a command signs for the user of the operating system, who is an administrator', async () => {
  const url = `${await listen()}/api/v1/things/a`;
  const call = { method: 'GET', target: new URL(url).pathname, who: 'Jürgen' };
  const headers = signedHeaders(secret, { ...call, role: 'command line' });
  expect(await (await fetch(url, { headers })).json()).toMatchObject({
    who: 'Jürgen',
    role: 'admin',
    how: 'command line',
  });
  const forged = {
    ...signedHeaders(secret, { ...call, role: 'viewer' }),
    'x-plainview-role': 'command line',
  };
  expect((await fetch(url, { headers: forged })).status).toBe(401);
});

test('Orthanc’s plugin can send a user only with a signature', async () => {
  const url = `${await listen()}/api/v1/things/a`;
  const ask = async (headers: Record<string, string>, init: RequestInit = {}) => {
    const answer = await fetch(url, { ...init, headers });
    return { status: answer.status, ...((await answer.json()) as object) };
  };
  for (const who of ['alice', 'Jürgen Ł.'])
    expect(await ask(signed(secret, url, { who, role: 'reviewer' }))).toMatchObject({
      who,
      role: 'reviewer',
      how: 'orthanc',
    });
  for (const headers of [
    { 'x-plainview-user': 'alice', 'x-plainview-role': 'admin' },
    signed('another secret', url),
    { ...signed(secret, url, { who: 'bob', role: 'viewer' }), 'x-plainview-role': 'admin' },
    { ...signed(secret, url, { who: 'bob' }), 'x-plainview-user': 'alice' },
    signed(secret, `${url}b`),
    signed(secret, `${url}?limit=3`),
    signed(secret, url, { method: 'DELETE' }),
    signed(secret, url, { who: '<b>' }),
    signed(secret, url, { who: '' }),
    { ...signed(secret, url), 'x-plainview-signature': 'x' },
  ])
    expect(await ask(headers)).toMatchObject({ status: 401, code: 'unauthorised' });
  expect(await ask({ 'x-plainview-secret': secret, 'x-plainview-user': 'alice' })).toMatchObject({
    status: 401,
    code: 'secret_sent',
  });
});

test('a signed request changes only what its signed body says', async () => {
  const url = `${await listen()}/api/v1/things/a`;
  const body = '{"to":"x"}';
  const send = async (sent: string) => {
    const headers = signed(secret, url, { method: 'PUT', body });
    return (await fetch(url, { method: 'PUT', headers, body: sent })).status;
  };
  expect(await send(body)).toBe(202);
  expect(await send('{"to":"y"}')).toBe(401);
  expect(await send('')).toBe(401);
});

test('a signed request is accepted once, within a minute of its time, and names the clocks otherwise', async () => {
  const url = `${await listen()}/api/v1/things/a`;
  const ask = async (headers: Record<string, string>) => {
    const answer = await fetch(url, { headers });
    return { status: answer.status, ...((await answer.json()) as object) };
  };
  const headers = signed(secret, url);
  expect(await ask(headers)).toMatchObject({ status: 200 });
  expect(await ask(headers)).toMatchObject({ status: 401, code: 'request_replayed' });
  const at = (now: number) =>
    signedHeaders(secret, { method: 'GET', target: new URL(url).pathname, who: 'alice', role: 'admin' }, now);
  expect(await ask(at(Date.now() + 50_000))).toMatchObject({ status: 200 });
  for (const [shift, sentence] of [
    [70_000, /70 s in the future/],
    [-70_000, /70 s ago/],
  ] as const)
    expect(await ask(at(Date.now() + shift))).toMatchObject({
      status: 401,
      code: 'clocks_differ',
      title: expect.stringMatching(sentence),
    });
  // No number of them blocks Orthanc's address: they are not guesses.
  for (let n = 0; n < 30; n++) await ask(headers);
  expect(await ask(signed(secret, url))).toMatchObject({ status: 200 });
});

test('what was signed before the service started is not accepted', async () => {
  const path = '/api/v1/things/a';
  const before = signedHeaders(
    secret,
    { method: 'GET', target: path, who: 'alice', role: 'admin' },
    Date.now() - 1000,
  );
  const answer = await fetch(`${await listen()}${path}`, { headers: before });
  expect(await answer.json()).toMatchObject({ code: 'clocks_differ' });
});

test('requests of another site are refused', async () => {
  const url = `${await listen()}/api/v1/things/a`;
  const from = (site: string, type = 'application/json') =>
    fetch(url, { ...change, headers: { ...as('admin'), 'content-type': type, 'sec-fetch-site': site } });
  expect((await from('cross-site')).status).toBe(403);
  expect((await from('same-site')).status).toBe(403);
  expect((await from('same-origin', 'text/plain')).status).toBe(415);
  expect((await from('same-origin')).status).toBe(202);
  // An older browser does not send Sec-Fetch-Site. But it sends JSON to another site only after a preflight.
  const { authorization } = as('admin');
  expect((await fetch(url, { method: 'PUT', body: '{}', headers: { authorization } })).status).toBe(415);
  // A page of another site cannot send a token. But a browser sends a login by itself, and Orthanc's plugin passes it on.
  expect((await fetch(url, { method: 'PUT', headers: { authorization } })).status).toBe(400);
  const { 'content-type': _, ...bare } = signed(secret, url, { method: 'PUT' });
  expect((await fetch(url, { method: 'PUT', headers: bare })).status).toBe(415);
});

test('a body that is not compressed as declared is malformed; HEAD is answered like GET', async () => {
  const url = `${await listen()}/api/v1/things/a`;
  const lying = await fetch(url, { ...change, headers: { ...as('admin'), 'content-encoding': 'gzip' } });
  expect(await lying.json()).toMatchObject({ status: 400, code: 'request_malformed' });
  const head = await fetch(url, { method: 'HEAD', headers: as('viewer') });
  expect(head.status).toBe(200);
  expect(head.headers.get('cache-control')).toBe('no-store');
});

test('many requests at once from one address do not count as guesses', async () => {
  const url = `${await listen(1000)}/api/v1/things/a`;
  const answers = await Promise.all(Array.from({ length: 60 }, () => fetch(url, { headers: as('viewer') })));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
});

test.each([
  ['a query out of range', '/things/a?limit=6', {}, 400, 'request_malformed'],
  ['a query that is not known', '/things/a?no=1', {}, 400, 'request_malformed'],
  ['a path too long', '/things/123456789', {}, 400, 'request_malformed'],
  ['a body that lacks something', '/things/a', { method: 'PUT', body: '{}' }, 400, 'request_malformed'],
  ['a body that is no JSON', '/things/a', { method: 'PUT', body: '{' }, 400, 'request_malformed'],
  [
    'a body too large',
    '/things/a',
    { method: 'PUT', body: `"${'x'.repeat(300_000)}"` },
    413,
    'request_too_large',
  ],
  ['a method that is not there', '/things/a', { method: 'PATCH', body: '{}' }, 405, 'method_unknown'],
  ['a method that nothing has', '/things/a', { method: 'OPTIONS' }, 405, 'method_unknown'],
  ['an address that is not there', '/nothing', {}, 404, 'route_unknown'],
])('%s is a clear problem', async (_what, path, init, status, code) => {
  const answer = await fetch(`${await listen()}/api/v1${path}`, { ...init, headers: as('admin') });
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  expect(await answer.json()).toMatchObject({ status, code });
});

test.each([
  ['/things/a', '{}', 'body.to is missing'],
  ['/things/a', '{"to":5}', 'body.to: Invalid input: expected string, received number'],
  ['/things/a', '{"to":"x","DOE^JANE":1}', 'body has fields that are not known'],
  ['/things/a', '["DOE^JANE"]', 'body: Invalid input: expected object, received array'],
  ['/things/a?limit=9', undefined, 'query.limit: Too big: expected number to be <=5'],
  ['/things/DOE%5EJANET', undefined, 'path.thing: Too big: expected string to have <=8 characters'],
])(
  'for %s with %s the answer names what is expected, without the given value',
  async (path, body, problem) => {
    const init = body === undefined ? {} : { method: 'PUT', body };
    const answer = await fetch(`${await listen()}/api/v1${path}`, { ...init, headers: as('admin') });
    expect(await answer.json()).toMatchObject({ title: `The request cannot be understood: ${problem}.` });
  },
);

test('too many requests, or guesses, are refused', async () => {
  const url = `${await listen(20)}/api/v1/things/a`;
  const statuses = async (count: number, headers: Record<string, string>) => {
    const all: number[] = [];
    for (let n = 0; n < count; n++) all.push((await fetch(url, { headers })).status);
    return all;
  };
  expect((await statuses(21, as('viewer'))).slice(19)).toEqual([200, 429]);
  // Another caller is not affected.
  expect(await statuses(1, as('reviewer'))).toEqual([200]);
  expect((await statuses(12, as('guess'))).slice(9)).toEqual([401, 429, 429]);
});

test('every answer forbids scripts and frames of other origins', async () => {
  const answer = await fetch(`${await listen()}/api/v1/things/a`);
  expect(answer.headers.get('content-security-policy')).toMatch(/default-src 'none';script-src 'self'/);
  expect(answer.headers.get('content-security-policy')).not.toContain('unsafe');
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
});

test('a token is declared only by its hash', () => {
  const { token, line } = createToken('alice', 'reviewer');
  expect(line).toBe(`alice reviewer ${hashToken(token)}`);
  expect(line).not.toContain(token);
});
