import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { Writable } from 'node:stream';
import express from 'express';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { authenticator } from '../../../src/access/authenticate.js';
import { hookKey } from '../../../src/access/keys.js';
import { openIdVerifier } from '../../../src/access/openid.js';
import { Signatures } from '../../../src/access/signature.js';
import { hashToken } from '../../../src/access/tokens.js';
import { withDescription } from '../../../src/http/api/openapi.js';
import { apiRouter } from '../../../src/http/api/router.js';
import { createApp } from '../../../src/http/app.js';
import { failedAuthenticationLimiter } from '../../../src/http/failed-authentication-limiter.js';
import { hookRouter } from '../../../src/http/hook.js';
import { Notices } from '../../../src/http/notices.js';
import { Metrics } from '../../../src/metrics/metrics.js';
import { close, listen } from '../../../testkit/loopback.js';
import { OpenIdProvider } from '../../../testkit/openid-provider.js';
import { signed } from '../../../testkit/signed.js';
import { waitFor } from '../../../testkit/wait-for.js';

const secret = 'a-secret-of-the-tests';
let server: Server;
let url: string;
let provider: OpenIdProvider;
let logged: string[];

beforeEach(async () => {
  logged = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      logged.push(String(chunk));
      done();
    },
  });
  const log = pino({ level: 'info' }, sink);
  const limiter = failedAuthenticationLimiter(10);
  provider = await new OpenIdProvider().start();
  const { issuer, audience } = provider;
  const openId = openIdVerifier({
    issuer,
    audience,
    roleClaim: 'roles',
    nameClaim: undefined,
    roles: [{ role: 'viewer', value: '*' }],
  });
  const tokens = [{ name: 'bob', role: 'viewer', sha256: hashToken('pv_bob') }] as const;
  const authenticate = authenticator(new Signatures(secret), tokens, openId);
  server = createServer(
    createApp(
      [
        hookRouter({
          key: hookKey(secret),
          limiter,
          metrics: new Metrics(),
          notices: new Notices(),
          log,
          accept: () => 'accepted',
        }),
        apiRouter(withDescription([], '0.0.0'), {
          authenticate,
          limiter,
          perMinute: 1000,
          audit: async () => undefined,
          log,
        }),
      ],
      log,
    ),
  );
  url = await listen(server);
});
afterEach(async () => {
  await close(server);
  await provider.stop();
});

const asked = async (headers: Record<string, string>) =>
  (await fetch(`${url}/api/v1/openapi.json`, { headers })).status;
const noticed = async (given: string) => {
  const body = JSON.stringify({
    instance: Array(5).fill('01234567').join('-'),
    modality: 'DX',
    sopClass: '1.2',
    change: 'x',
  });
  const headers = { 'x-plainview-hook-key': given };
  return (await fetch(`${url}/hook`, { method: 'POST', headers, body })).status;
};

test('failures at the hook and at the API are counted together', async () => {
  // A request without credentials is not a guess: the page sends one to learn whether a sign-in is needed.
  for (let n = 0; n < 12; n++) expect(await asked({})).toBe(401);
  for (let n = 0; n < 5; n++) {
    expect(await noticed('guessed')).toBe(401);
    expect(await asked({ 'x-plainview-signature': 'guessed' })).toBe(401);
  }
  const further = [await noticed('guessed'), await asked({ 'x-plainview-signature': 'guessed' })];
  expect(further).toEqual([429, 429]);
});

test('a wrong secret at the hook is one line of the log a minute, also where others have used up the limit', async () => {
  for (let n = 0; n < 15; n++) await asked({ authorization: 'Bearer pv_guessed' });
  logged.length = 0;
  for (let n = 0; n < 3; n++) expect(await noticed(hookKey('the secret of another one'))).toBe(429);
  expect(logged.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({
      level: 40,
      code: 'hook_refused',
      address: expect.stringContaining('127.0.0.1'),
      msg: expect.stringContaining('Set PLAINVIEW_SECRET to the same value for Orthanc and for Plainview'),
    }),
  ]);
});

test('who guesses does not keep out others with the same address, and cannot fill the log', async () => {
  const guessed = await provider.token({ aud: 'another' });
  const guesses = [{ 'x-plainview-signature': 'guessed' }, { authorization: `Bearer ${guessed}` }] as const;
  const statuses = new Map<number, number>();
  const count = (status: number) => statuses.set(status, (statuses.get(status) ?? 0) + 1);
  for (let n = 0; n < 250; n++)
    for (const status of await Promise.all([
      ...guesses.map(asked),
      asked({ authorization: 'Bearer pv_guessed' }),
      noticed('guessed'),
    ]))
      count(status);
  expect(Object.fromEntries(statuses)).toEqual({ 401: 10, 429: 990 });
  expect(logged.length).toBeLessThanOrEqual(11);

  expect(await noticed(hookKey(secret))).toBe(202);
  expect(await asked(signed(secret, `${url}/api/v1/openapi.json`))).toBe(200);
  expect(await asked({ authorization: 'Bearer pv_bob' })).toBe(200);
  expect(await asked({ authorization: `Bearer ${await provider.token()}` })).toBe(200);
});

test('a request whose client leaves while it is checked is not served: nobody would tell its handler of the end', async () => {
  let served = 0;
  const left = new AbortController();
  let checks = 0;
  const app = express();
  app.use((_request, response, next) => {
    response.on('close', () => left.abort());
    next();
  });
  const check = async () => {
    checks++;
    await once(left.signal, 'abort');
    checks++;
  };
  app.use(failedAuthenticationLimiter(10)(check, () => undefined));
  app.use(() => void served++);
  const own = createServer(app);
  const leaving = new AbortController();
  const asking = fetch(await listen(own), { signal: leaving.signal }).catch(() => undefined);
  await waitFor(() => checks === 1);
  leaving.abort();
  await asking;
  await waitFor(() => checks === 2);
  // Whatever the limiter does after its check, it does before this next turn of the event loop.
  await new Promise(setImmediate);
  expect(served).toBe(0);
  await close(own);
});

test('the log says why a token of the provider is refused, without its claims', async () => {
  const token = await provider.token({ aud: 'another' });
  expect(await asked({ authorization: `Bearer ${token}` })).toBe(401);
  expect(logged.join('')).toContain('\\"aud\\"');
  expect(logged.join('')).not.toContain('alice');
});
