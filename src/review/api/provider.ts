import * as z from 'zod/mini';
import { readStored, writeStored } from '../base/storage.js';
import { texts } from '../texts/index.js';
import { refusal, signIn } from './client.js';
import { type SignIn, signIn as signInShape } from './schema.js';

/*
 * Sign-in at the site's OpenID Connect provider: authorization code with PKCE (RFC 7636). The provider's ID token is then
 * the token of the tab.
 */

/** What is kept for the tab while the reader is at the provider. */
const pendingKey = 'plainview-sign-in';
const pendingShape = z.object({
  state: z.string(),
  verifier: z.string(),
  tokenEndpoint: z.string(),
  clientId: z.string(),
  /** The part of the page where the reader was. */
  fragment: z.string(),
});
const tokens = z.object({ id_token: z.string() });

/** The page's own address. The provider knows it and sends the reader back to it. */
const pageAddress = () => location.origin + location.pathname;

/** @returns undefined where the page offers no sign-in at a provider, or the browser cannot do it (no https) */
export async function providerOf(): Promise<SignIn | undefined> {
  if (!isSecureContext) return undefined;
  const response = await fetch(new URL('sign-in.json', pageAddress())).catch(() => undefined);
  const parsed = signInShape.safeParse(await response?.json().catch(() => undefined));
  return parsed.success ? parsed.data : undefined;
}

/** Leaves the page for the provider's. */
export async function goToProvider({
  clientId,
  authorizationEndpoint,
  tokenEndpoint,
}: SignIn): Promise<void> {
  const [state, verifier] = [randomText(), randomText()];
  const pending: z.output<typeof pendingShape> = {
    state,
    verifier,
    tokenEndpoint,
    clientId,
    fragment: location.hash,
  };
  writeStored('sessionStorage', pendingKey, JSON.stringify(pending));
  const url = new URL(authorizationEndpoint);
  for (const [name, value] of Object.entries({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: pageAddress(),
    scope: 'openid profile',
    state,
    code_challenge: base64url(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))),
    code_challenge_method: 'S256',
  }))
    url.searchParams.set(name, value);
  location.assign(url);
}

/** Completes the sign-in where the provider has just sent the reader back. Must come before the page reads its address. */
export async function returnFromProvider(): Promise<void> {
  const given = new URLSearchParams(location.search);
  if (!given.has('state')) return;
  const stored = readStored('sessionStorage', pendingKey);
  writeStored('sessionStorage', pendingKey, null);
  const pending = pendingShape.safeParse(stored === null ? undefined : JSON.parse(stored));
  // The code serves only once: it must not stay in the address or in the history.
  history.replaceState(null, '', pageAddress() + (pending.data?.fragment ?? location.hash));
  const code = given.get('code');
  // Another page could send the reader here with the code of somebody else.
  if (pending.data === undefined || given.get('state') !== pending.data.state || code === null) {
    refusal.value = texts.signInFailed;
    return;
  }
  const { clientId, tokenEndpoint, verifier } = pending.data;
  const answer = await fetch(tokenEndpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: pageAddress(),
      client_id: clientId,
      code_verifier: verifier,
    }),
    signal: AbortSignal.timeout(10_000),
  })
    .then((response) => response.json())
    .catch(() => undefined);
  const received = tokens.safeParse(answer);
  if (received.success) signIn(received.data.id_token);
  else refusal.value = texts.signInFailed;
}

const randomText = () => base64url(crypto.getRandomValues(new Uint8Array(32)).buffer);

const base64url = (bytes: ArrayBuffer) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
