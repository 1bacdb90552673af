import { createServer, type Server } from 'node:http';
import { pino } from 'pino';
import type { Page } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { authenticator } from '../../src/access/authenticate.js';
import { openId } from '../../src/access/openid.js';
import { Signatures } from '../../src/access/signature.js';
import { Categories } from '../../src/anatomy/categories.js';
import { loadConfig } from '../../src/config/load.js';
import { aboutOperations } from '../../src/http/api/about.js';
import { apiRouter } from '../../src/http/api/router.js';
import { createApp } from '../../src/http/app.js';
import { failedAuthenticationLimiter } from '../../src/http/failed-authentication-limiter.js';
import { reviewPageRouter } from '../../src/http/review-page.js';
import { close, listen } from '../../testkit/loopback.js';
import { OpenIdProvider } from '../../testkit/openid-provider.js';
import { hasBrowser, useBrowser } from './support/browser.js';

const pages = useBrowser();
let provider: OpenIdProvider;
let server: Server;
let url: string;

/** The page and the part of the API that sign-in needs, with the service's own headers. */
beforeEach(async () => {
  provider = await new OpenIdProvider().start();
  const config = loadConfig({
    PLAINVIEW_OIDC_ISSUER: provider.issuer,
    PLAINVIEW_OIDC_AUDIENCE: provider.audience,
    PLAINVIEW_OIDC_ROLES: 'reviewer=radiologists',
    PLAINVIEW_OIDC_SIGN_IN: 'on',
  });
  const openid = openId(config);
  const log = pino({ level: 'silent' });
  const api = apiRouter(
    aboutOperations(Categories.read(), () => ['knee_ap'], { wordsFor: () => [] }),
    {
      authenticate: authenticator(new Signatures('a-secret-of-the-tests'), [], openid?.verify),
      limiter: failedAuthenticationLimiter(10),
      perMinute: 10_000,
      audit: async () => undefined,
      log,
    },
  );
  const connect = openid === undefined ? [] : [openid.origin];
  server = createServer(createApp([reviewPageRouter(openid?.signIn), api], log, connect));
  url = `${await listen(server)}/review/`;
});
afterEach(async () => {
  expect(pages.complaints).toEqual([]);
  await close(server);
  await provider.stop();
});

const signIn = (page: Page) => page.getByRole('button', { name: /^Sign in at 127\.0\.0\.1/ }).click();

describe.skipIf(!hasBrowser)('the sign-in at the identity provider', () => {
  test('brings the reader back to the same part of the page, signed in, without the code in the address', async () => {
    provider.person = { preferred_username: 'ruth', roles: ['radiologists'] };
    const page = await pages.open(`${url}#/dashboard`);
    await signIn(page);
    await page.getByText('ruth').waitFor();
    expect(page.url()).toBe(`${url}#/dashboard`);
    expect(provider.authorisation).toMatchObject({
      response_type: 'code',
      client_id: 'plainview',
      redirect_uri: url,
      code_challenge_method: 'S256',
    });
  });

  test('without a role says so, and lets somebody else sign in', async () => {
    const page = await pages.open(url);
    await signIn(page);
    await page.getByText('This needs the role viewer').waitFor();
    provider.person = { preferred_username: 'ruth', roles: ['radiologists'] };
    await page.getByRole('button', { name: 'Sign in as somebody else' }).click();
    await signIn(page);
    await page.getByText('ruth').waitFor();
  });

  test('that has expired is told, and done again', async () => {
    provider.person = { roles: ['radiologists'], exp: Math.floor(Date.now() / 1000) - 3600 };
    const page = await pages.open(url);
    await signIn(page);
    await page.getByRole('alert').getByText('has expired').waitFor();
    provider.person = { preferred_username: 'ruth', roles: ['radiologists'] };
    await signIn(page);
    await page.getByText('ruth').waitFor();
  });

  test.each([
    ['that this page did not begin', (state: string) => `?code=a-code-that-serves-once&state=${state}x`],
    ['that the provider refused', (state: string) => `?error=access_denied&state=${state}`],
  ])('%s is not completed', async (_what, query) => {
    // The provider does not send the reader back by itself.
    provider.answer = (path) =>
      path.startsWith('/authorize') ? { status: 200, body: 'Who are you?' } : undefined;
    const page = await pages.open(url);
    await signIn(page);
    await page.getByText('Who are you?').waitFor();
    const state = new URL(page.url()).searchParams.get('state') ?? '';
    await page.goto(`${url}${query(state)}`);
    await page.getByRole('alert').getByText('was not completed').waitFor();
    expect(page.url()).toBe(url);
    expect(provider.requests).not.toContain('/token');
  });

  test('a token can be pasted instead', async () => {
    const page = await pages.open(url);
    await page.getByLabel('Token').fill(await provider.token({ roles: ['radiologists'] }));
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByText('alice').waitFor();
  });

  test('is not offered while the provider is away; a token can still be given', async () => {
    provider.answer = () => ({ status: 503, body: '' });
    const page = await pages.open(url);
    await page.getByLabel('Token').waitFor();
    await page.waitForLoadState('networkidle');
    expect(await page.getByRole('button', { name: /^Sign in/ }).count()).toBe(1);
  });
});
