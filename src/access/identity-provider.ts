import type * as Jose from 'jose';
import { z } from 'zod';
import { secureAddress } from '../config/web-address.js';
import { createError, type PlainviewError } from '../errors/errors.js';

/** Of one call to the provider, from its start to the end of the answer. */
const timeoutMs = 5000;
/** After a failed call. Callers get the error at once meanwhile, and a provider in trouble gets few calls. */
const pauseMs = 5000;

/** An OpenID Connect provider. It is called when it is needed first, not before. */
export class IdentityProvider {
  readonly issuer: string;
  readonly #call = pausingCalls();
  #discovered: Promise<Discovered> | undefined;
  #keys: Jose.JWTVerifyGetKey | undefined;

  constructor(issuer: string) {
    this.issuer = issuer;
  }

  /**
   * Finds the key of a token. jose keeps the keys for ten minutes. A token with an unknown key makes it fetch them again,
   * at most every 30 seconds.
   * @throws issuer_unavailable, and the errors of jose
   */
  async key(jose: typeof Jose, ...token: Parameters<Jose.JWTVerifyGetKey>) {
    if (this.#keys === undefined) {
      const { jwks_uri } = await this.#discover();
      this.#keys ??= jose.createRemoteJWKSet(new URL(jwks_uri), {
        timeoutDuration: timeoutMs,
        [jose.customFetch]: async (url, init) =>
          Response.json(await this.#call(this.issuer, url, init, jsonWebKeySet)),
      });
    }
    return this.#keys(...token);
  }

  /** Where a browser signs a person in. @throws issuer_unavailable */
  async signInEndpoints(): Promise<{ authorizationEndpoint: string; tokenEndpoint: string }> {
    const { authorization_endpoint, token_endpoint } = await this.#discover();
    if (authorization_endpoint === undefined || token_endpoint === undefined)
      throw createError('issuer_unavailable', {
        issuer: this.issuer,
        url: this.issuer,
        why: 'it has no sign-in for browsers',
      });
    return { authorizationEndpoint: authorization_endpoint, tokenEndpoint: token_endpoint };
  }

  /** The first answer holds until the end of the process. */
  #discover(): Promise<Discovered> {
    const url = `${this.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    this.#discovered ??= this.#call(
      this.issuer,
      url,
      { signal: AbortSignal.timeout(timeoutMs) },
      discoveryDocument(this.issuer),
    ).catch((error) => {
      this.#discovered = undefined;
      throw error;
    });
    return this.#discovered;
  }
}

const discoveryDocument = (issuer: string) =>
  z.object({
    issuer: z.literal(issuer, 'is another issuer'),
    jwks_uri: secureAddress,
    // A provider for programs alone has none, or no web address.
    authorization_endpoint: secureAddress.optional().catch(undefined),
    token_endpoint: secureAddress.optional().catch(undefined),
  });
type Discovered = z.output<ReturnType<typeof discoveryDocument>>;

const jsonWebKeySet = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })) });

/** Follows no redirects: they could lead to another host. */
function pausingCalls() {
  let failed: { error: PlainviewError; until: number } | undefined;
  return async <T extends z.ZodType>(
    issuer: string,
    url: string,
    init: RequestInit,
    answer: T,
  ): Promise<z.output<T>> => {
    if (failed !== undefined && Date.now() < failed.until) throw failed.error;
    try {
      const response = await fetch(url, { ...init, redirect: 'manual' });
      if (response.status !== 200) throw new Error(`HTTP ${response.status}`);
      return answer.parse(await response.json());
    } catch (cause) {
      const error = createError('issuer_unavailable', { issuer, url, why: reasonOf(cause) }, cause);
      failed = { error, until: Date.now() + pauseMs };
      throw error;
    }
  };
}

/** `fetch` hides why a connection failed in the cause of its error. */
function reasonOf(error: unknown): string {
  if (error instanceof z.ZodError)
    return error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join(', ');
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
