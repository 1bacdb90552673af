import type * as Jose from 'jose';
import { z } from 'zod';
import { secureAddress } from '../config/web-address.js';
import { createError, type PlainviewError } from '../errors/errors.js';

/** Of one call to the identity provider, from its start to the end of the answer. */
const timeoutMs = 5000;
/** After a failed call. Callers get the error at once meanwhile, and a provider in trouble gets few calls. */
const pauseMs = 5000;

/**
 * The keys of an OpenID Connect provider, found by its discovery document. jose keeps them for ten minutes. A token with an
 * unknown key makes it fetch them again, at most every 30 seconds.
 * @returns a function that throws issuer_unavailable, and the errors of jose
 */
export function issuerKeys(issuer: string, jose: typeof Jose): Jose.JWTVerifyGetKey {
  const fetchJson = pausingFetch(issuer);
  let discovered: Promise<Jose.JWTVerifyGetKey> | undefined;
  const discover = async () => {
    const url = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    const signal = AbortSignal.timeout(timeoutMs);
    const document = await fetchJson(url.href, { redirect: 'manual', signal }, discoveryDocument(issuer));
    return jose.createRemoteJWKSet(new URL(document.jwks_uri), {
      timeoutDuration: timeoutMs,
      [jose.customFetch]: async (address, options) =>
        Response.json(await fetchJson(address, options, jsonWebKeySet)),
    });
  };
  return async (header, token) => {
    discovered ??= discover().catch((error) => {
      discovered = undefined;
      throw error;
    });
    return (await discovered)(header, token);
  };
}

const discoveryDocument = (issuer: string) =>
  z.object({ issuer: z.literal(issuer, 'is another issuer'), jwks_uri: secureAddress });
const jsonWebKeySet = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })) });

/** Follows no redirects: they could lead to another host. */
function pausingFetch(issuer: string) {
  let failed: { error: PlainviewError; until: number } | undefined;
  return async <T extends z.ZodType>(url: string, init: RequestInit, answer: T): Promise<z.output<T>> => {
    if (failed !== undefined && Date.now() < failed.until) throw failed.error;
    try {
      const response = await fetch(url, init);
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
