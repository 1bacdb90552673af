import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { authenticator } from '../../../src/access/authenticate.js';
import { type OpenIdSettings, openIdSettings, openIdVerifier } from '../../../src/access/openid.js';
import { Signatures } from '../../../src/access/signature.js';
import { createToken, hashToken } from '../../../src/access/tokens.js';
import { loadConfig } from '../../../src/config/load.js';
import { close, listen } from '../../../testkit/loopback.js';
import { OpenIdProvider } from '../../../testkit/openid-provider.js';

let provider: OpenIdProvider;
beforeEach(async () => {
  provider = await new OpenIdProvider().start();
});
afterEach(async () => {
  vi.useRealTimers();
  await provider.stop();
});

const settings = (given: Partial<OpenIdSettings> = {}): OpenIdSettings => ({
  issuer: provider.issuer,
  audience: provider.audience,
  roleClaim: 'roles',
  nameClaim: undefined,
  roles: [
    { role: 'admin', value: 'pv-admins' },
    { role: 'reviewer', value: 'radiologists' },
  ],
  ...given,
});

const verifying = async (claims: Claims, given: Partial<OpenIdSettings> = {}) =>
  openIdVerifier(settings(given))(await provider.token(claims));

type Claims = Parameters<OpenIdProvider['token']>[0];
const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a token of the provider', () => {
  test('gives name and role', async () => {
    expect(await verifying({ roles: ['radiologists'] })).toEqual({
      who: 'alice',
      role: 'reviewer',
      how: 'openid',
    });
  });

  test.each<[string, Claims, Partial<OpenIdSettings>, string]>([
    ['two roles: the higher', { roles: ['radiologists', 'pv-admins'] }, {}, 'admin'],
    ['one value as text', { roles: 'radiologists' }, {}, 'reviewer'],
    ['a path', { realm_access: { roles: ['pv-admins'] } }, { roleClaim: 'realm_access.roles' }, 'admin'],
    [
      'a claim with dots in its name',
      { 'https://example.org/roles': ['pv-admins'] },
      { roleClaim: 'https://example.org/roles' },
      'admin',
    ],
    [
      'a path with a client that has dots in its name',
      { resource_access: { 'pv.example.org': { roles: ['pv-admins'] } } },
      { roleClaim: 'resource_access.pv.example.org.roles' },
      'admin',
    ],
    ['everybody', {}, { roles: [{ role: 'viewer', value: '*' }] }, 'viewer'],
    ['no role claim', {}, {}, 'none'],
    ['another role', { roles: ['nurses', 5, null] }, {}, 'none'],
    ['what every object has', {}, { roleClaim: 'constructor.name' }, 'none'],
  ])('%s', async (_what, claims, given, role) => {
    expect((await verifying(claims, given)).role).toBe(role);
  });

  test.each<[Claims, Partial<OpenIdSettings>, string]>([
    [{ preferred_username: "Siobhán.O'Brien+pacs@example.org" }, {}, "Siobhán.O'Brien+pacs@example.org"],
    [{ preferred_username: 'Ju\u0308rgen' }, {}, 'J\u00fcrgen'],
    [{ preferred_username: undefined }, {}, '4711'],
    [{ email: 'a@example.org' }, { nameClaim: 'email' }, 'a@example.org'],
  ])('with %j and the options %j is recorded as %s', async (claims, given, who) => {
    expect((await verifying(claims, given)).who).toBe(who);
  });

  test.each<[Claims, Partial<OpenIdSettings>, string]>([
    [{ preferred_username: '<b>' }, {}, 'preferred_username'],
    [{ preferred_username: 'x'.repeat(65) }, {}, 'preferred_username'],
    [{ preferred_username: 5 }, {}, 'preferred_username'],
    [{}, { nameClaim: 'email' }, 'email'],
  ])('with %j and the options %j has no name that can be recorded', async (claims, given, claim) => {
    await expect(verifying(claims, given)).rejects.toMatchObject({
      code: 'name_unrecordable',
      message: expect.stringContaining(`claim ${claim}.`),
    });
  });

  test.each<[string, Claims]>([
    ['another audience', { aud: 'another' }],
    ['no audience', { aud: undefined }],
    ['another issuer', { iss: 'https://evil.example' }],
    ['no end', { exp: undefined }],
    ['no subject', { sub: undefined }],
    ['a beginning in an hour', { nbf: Date.now() / 1000 + 3600 }],
  ])('for %s is refused', async (_what, claims) => {
    await expect(verifying(claims)).rejects.toMatchObject({ code: 'token_refused', status: 401 });
  });

  test('that has expired is refused, and the sentence says so; clocks may differ by half a minute', async () => {
    const now = Math.floor(Date.now() / 1000);
    await expect(verifying({ exp: now - 60 })).rejects.toMatchObject({ code: 'token_expired', status: 401 });
    expect(await verifying({ exp: now - 10 })).toMatchObject({ who: 'alice' });
  });

  test('of another kind, such as a logout token, is refused', async () => {
    const verify = openIdVerifier(settings());
    await expect(verify(await provider.token({}, { typ: 'logout+jwt' }))).rejects.toMatchObject({
      code: 'token_refused',
    });
    for (const typ of ['JWT', 'at+jwt'])
      expect(await verify(await provider.token({}, { typ }))).toMatchObject({ who: 'alice' });
  });

  test('without signature, or signed with the public key as a secret, is refused', async () => {
    const verify = openIdVerifier(settings({ roles: [{ role: 'admin', value: '*' }] }));
    const claims = base64(provider.claims());
    const none = `${base64({ alg: 'none' })}.${claims}.`;
    const signed = `${base64({ alg: 'HS256', kid: provider.kid })}.${claims}`;
    const hmac = createHmac('sha256', await provider.publicKey()).update(signed);
    const [header, , signature] = (await provider.token()).split('.');
    const changed = `${header}.${base64(provider.claims({ sub: 'root' }))}.${signature}`;
    for (const token of [none, `${signed}.${hmac.digest('base64url')}`, changed, 'eyJ.e30.', 'eyJhIjp7.a.a'])
      await expect(verify(token)).rejects.toMatchObject({ code: 'token_refused', status: 401 });
  });
});

test('a new key of the provider is found; unknown keys do not make more than one call in half a minute', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const verify = openIdVerifier(settings());
  await verify(await provider.token());
  const before = provider.requests.length;
  for (let n = 0; n < 20; n++)
    await expect(verify(await provider.token({}, { kid: `made-up-${n}` }))).rejects.toMatchObject({
      code: 'token_refused',
    });
  expect(provider.requests.length).toBe(before);
  await provider.rotate();
  vi.setSystemTime(Date.now() + 31_000);
  expect(await verify(await provider.token())).toMatchObject({ who: 'alice' });
  expect(provider.requests.length).toBe(before + 1);
});

describe('while the provider is away', () => {
  test('no token is accepted, the error says so, and it is called again only after a pause', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    provider.answer = () => ({ status: 502, body: '' });
    const verify = openIdVerifier(settings());
    const token = await provider.token();
    for (let n = 0; n < 5; n++)
      await expect(verify(token)).rejects.toMatchObject({
        code: 'issuer_unavailable',
        status: 503,
        message: expect.stringContaining('HTTP 502'),
      });
    expect(provider.requests.length).toBe(1);
    provider.answer = undefined;
    vi.setSystemTime(Date.now() + 6000);
    expect(await verify(token)).toMatchObject({ who: 'alice' });
  });

  test('known keys serve on, also while others try tokens with unknown keys', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const verify = openIdVerifier(settings());
    const token = await provider.token();
    await verify(token);
    provider.answer = () => ({ status: 500, body: '' });
    vi.setSystemTime(Date.now() + 60_000);
    await expect(verify(await provider.token({}, { kid: 'made-up' }))).rejects.toMatchObject({ status: 503 });
    expect(await verify(token)).toMatchObject({ who: 'alice' });
  });

  test('a provider that never answers does not hold up tokens of Plainview', async () => {
    provider.answer = () => 'never';
    const { token } = createToken('bob', 'viewer');
    const authenticate = authenticator(
      new Signatures('a-secret-of-the-tests'),
      [{ name: 'bob', role: 'viewer', sha256: hashToken(token) }],
      openIdVerifier(settings()),
    );
    const withBearer = (bearer: string) =>
      authenticate({
        method: 'GET',
        originalUrl: '/',
        get: (name) => (name === 'authorization' ? `Bearer ${bearer}` : undefined),
      });
    const held = withBearer(await provider.token()).catch((error: unknown) => error);
    expect(await withBearer(token)).toEqual({ who: 'bob', role: 'viewer', how: 'token' });
    await provider.stop();
    expect(await held).toMatchObject({ code: 'issuer_unavailable' });
  });
});

test.each<[string, () => string]>([
  [
    'names another issuer',
    () => JSON.stringify({ issuer: 'https://a.example', jwks_uri: 'https://a.example' }),
  ],
  [
    'has its keys at an address that is not secure',
    () => JSON.stringify({ issuer: provider.issuer, jwks_uri: 'http://a.example/keys' }),
  ],
  ['is no JSON', () => '<html>'],
])('a provider whose discovery document %s is not used', async (_what, body) => {
  provider.answer = () => ({ status: 200, body: body() });
  await expect(verifying({})).rejects.toMatchObject({ code: 'issuer_unavailable' });
});

test.each(['/.well-known/openid-configuration', '/keys'])(
  'a redirect of %s is not followed',
  async (path) => {
    const asked: string[] = [];
    const elsewhere = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end('{}');
    });
    const location = await listen(elsewhere);
    provider.answer = (each) =>
      each === path ? { status: 302, body: '', headers: { location } } : undefined;
    await expect(verifying({})).rejects.toMatchObject({ code: 'issuer_unavailable' });
    expect(asked).toEqual([]);
    await close(elsewhere);
  },
);

describe('the options', () => {
  const complete = {
    PLAINVIEW_OIDC_ISSUER: 'https://login.example/realms/hospital',
    PLAINVIEW_OIDC_AUDIENCE: 'plainview',
    PLAINVIEW_OIDC_ROLES: 'admin=pv-admins, reviewer=/Radiology/a=b,viewer=*',
  };

  test('are read', () => {
    expect(openIdSettings(loadConfig({}))).toBeUndefined();
    expect(openIdSettings(loadConfig(complete))).toEqual({
      issuer: 'https://login.example/realms/hospital',
      audience: 'plainview',
      roleClaim: 'roles',
      nameClaim: undefined,
      roles: [
        { role: 'admin', value: 'pv-admins' },
        { role: 'reviewer', value: '/Radiology/a=b' },
        { role: 'viewer', value: '*' },
      ],
    });
  });

  test.each(Object.keys(complete))('without %s stop the start', (left) => {
    const config = loadConfig({ ...complete, [left]: '' });
    expect(() => openIdSettings(config)).toThrow(/PLAINVIEW_OIDC_ISSUER.*set all or none/);
  });

  test.each([
    ['PLAINVIEW_OIDC_ISSUER', 'http://login.example'],
    ['PLAINVIEW_OIDC_ISSUER', 'http://localhost.evil.example'],
    ['PLAINVIEW_OIDC_ISSUER', 'https://login.example/?a=b'],
    ['PLAINVIEW_OIDC_ROLES', 'root=a'],
    ['PLAINVIEW_OIDC_ROLES', 'admin='],
  ])('%s=%s stop the start', (variable, value) => {
    expect(() => loadConfig({ ...complete, [variable]: value })).toThrow(variable);
  });
});
