import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { close, listen } from './loopback.js';

const code = 'a-code-that-serves-once';

interface Answer {
  status: number;
  body: string;
  headers?: OutgoingHttpHeaders;
}

/** An OpenID Connect provider on loopback: discovery, keys, and signed tokens for tests. */
export class OpenIdProvider {
  readonly audience = 'plainview';
  /** Paths of the requests so far. */
  readonly requests: string[] = [];
  /** Replaces the answers, where given. `'never'`: no answer. */
  answer: ((path: string) => Answer | 'never' | undefined) | undefined;
  /** Claims of the person who signs in with a browser. */
  person: Record<string, unknown> = {};
  /** What the page asked the provider for last. */
  authorisation: Record<string, string> = {};
  #kid = 0;
  #keys: { publicKey: CryptoKey; privateKey: CryptoKey } | undefined;
  #url = '';
  readonly #server = createServer(async (request, response) => {
    const path = request.url ?? '';
    this.requests.push(path);
    const answer = this.answer?.(path) ??
      this.#authorised(path) ??
      (await this.#redeemed(request)) ?? {
        status: 200,
        body: JSON.stringify(await this.#document(path)),
      };
    if (answer !== 'never') response.writeHead(answer.status, answer.headers).end(answer.body);
  });

  get issuer(): string {
    return this.#url;
  }

  async start(): Promise<this> {
    await this.rotate();
    this.#url = await listen(this.#server);
    return this;
  }

  /** Replaces the key by a new one. */
  async rotate(): Promise<void> {
    this.#kid++;
    this.#keys = await generateKeyPair('ES256');
  }

  stop = () => close(this.#server);

  /** @returns the public key as PEM */
  publicKey = () => exportSPKI(this.#pair.publicKey);

  /** A token that is valid for five minutes, unless other claims are given. */
  async token(
    claims: JWTPayload | Record<string, unknown> = {},
    header: { typ?: string; kid?: string } = {},
  ): Promise<string> {
    return new SignJWT(this.claims(claims))
      .setProtectedHeader({ alg: 'ES256', kid: this.kid, ...header })
      .sign(this.#pair.privateKey);
  }

  claims(claims: JWTPayload | Record<string, unknown> = {}): JWTPayload {
    const now = Math.floor(Date.now() / 1000);
    const { issuer: iss, audience: aud } = this;
    return { iss, aud, sub: '4711', preferred_username: 'alice', iat: now, exp: now + 300, ...claims };
  }

  get kid(): string {
    return `key-${this.#kid}`;
  }

  get #pair() {
    if (this.#keys === undefined) throw new Error('start the provider first');
    return this.#keys;
  }

  /** The person signs in at once: sends the browser back with a code. */
  #authorised(path: string): Answer | undefined {
    const { pathname, searchParams } = new URL(path, this.issuer);
    if (pathname !== '/authorize') return undefined;
    this.authorisation = Object.fromEntries(searchParams);
    const { redirect_uri: back = '', state = '' } = this.authorisation;
    return {
      status: 302,
      body: '',
      headers: { location: `${back}?${new URLSearchParams({ code, state })}` },
    };
  }

  /** Exchanges the code for an ID token, where the verifier belongs to the challenge (RFC 7636). */
  async #redeemed(request: IncomingMessage): Promise<Answer | undefined> {
    if (request.url !== '/token') return undefined;
    const { code_challenge, redirect_uri, client_id } = this.authorisation;
    const form = Object.fromEntries(new URLSearchParams(await text(request)));
    const challenge = createHash('sha256')
      .update(form.code_verifier ?? '')
      .digest('base64url');
    const isGood =
      form.code === code &&
      challenge === code_challenge &&
      form.redirect_uri === redirect_uri &&
      form.client_id === client_id;
    const body = isGood ? { id_token: await this.token(this.person) } : { error: 'invalid_grant' };
    const headers = { 'access-control-allow-origin': '*' };
    return { status: isGood ? 200 : 400, body: JSON.stringify(body), headers };
  }

  async #document(path: string): Promise<object> {
    return path.endsWith('/.well-known/openid-configuration')
      ? {
          issuer: this.issuer,
          jwks_uri: `${this.issuer}/keys`,
          authorization_endpoint: `${this.issuer}/authorize`,
          token_endpoint: `${this.issuer}/token`,
        }
      : { keys: [{ ...(await exportJWK(this.#pair.publicKey)), kid: this.kid, use: 'sig' }] };
  }
}
