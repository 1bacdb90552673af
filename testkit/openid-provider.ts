import { createServer, type OutgoingHttpHeaders } from 'node:http';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { close, listen } from './loopback.js';

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
  #kid = 0;
  #keys: { publicKey: CryptoKey; privateKey: CryptoKey } | undefined;
  #url = '';
  readonly #server = createServer(async (request, response) => {
    const path = request.url ?? '';
    this.requests.push(path);
    const answer = this.answer?.(path) ?? { status: 200, body: JSON.stringify(await this.#document(path)) };
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

  async #document(path: string): Promise<object> {
    return path.endsWith('/.well-known/openid-configuration')
      ? { issuer: this.issuer, jwks_uri: `${this.issuer}/keys` }
      : { keys: [{ ...(await exportJWK(this.#pair.publicKey)), kid: this.kid, use: 'sig' }] };
  }
}
