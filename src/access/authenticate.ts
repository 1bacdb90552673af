import { timingSafeEqual } from 'node:crypto';
import { createError } from '../errors/errors.js';
import { type Caller, callerName, type Identity, role } from './caller.js';
import { looksLikeJwt, type OpenIdVerifier } from './openid.js';
import { commandRole, type Signatures, type SignedRequest, signatureHeader } from './signature.js';
import { hashToken, type Token } from './tokens.js';

/** An HTTP request, as express has it. */
export interface HttpRequest {
  method: string;
  originalUrl: string;
  get(name: string): string | undefined;
}

/** The parts of a request that `X-Plainview-Signature` signs. */
export const signedPartsOf = (request: HttpRequest): SignedRequest => ({
  method: request.method,
  target: request.originalUrl,
  user: request.get('x-plainview-user') ?? '',
  role: request.get('x-plainview-role') ?? '',
});

/**
 * Authenticates a caller by one of
 * - `Authorization: Bearer …`: a declared token, or a token of the identity provider where there is one;
 * - `X-Plainview-Signature`: Orthanc's plugin, or a command, has signed the request with a key of the shared secret. The plugin
 *   has authenticated the user. The name is in `X-Plainview-User` (percent-encoded UTF-8) and the role in `X-Plainview-Role`.
 *   Who runs a command of Plainview knows the secret, and so is an administrator.
 * @throws unauthorised, clocks_differ, request_replayed, secret_sent, and the errors of the verifier
 */
export function authenticator(
  signatures: Signatures,
  tokens: readonly Token[],
  openId?: OpenIdVerifier,
): (request: HttpRequest) => Promise<Identity> {
  return async (request) => {
    // Node.js limits all headers of a request to 16 KiB together.
    const bearer = /^Bearer (\S+)$/i.exec(request.get('authorization') ?? '')?.[1];
    if (bearer !== undefined && openId !== undefined && looksLikeJwt(bearer)) return openId(bearer);
    if (bearer !== undefined) return byToken(bearer, tokens);
    const signature = request.get(signatureHeader);
    if (signature === undefined) {
      const isOldPlugin = request.get('x-plainview-secret') !== undefined;
      throw createError(isOldPlugin ? 'secret_sent' : 'unauthorised', {});
    }
    const signed = signedPartsOf(request);
    signatures.check(signed, signature);
    const who = named(signed.user);
    if (signed.role === commandRole) return { who, role: 'admin', how: 'command line' };
    const userRole = role.safeParse(signed.role);
    if (!userRole.success) throw createError('unauthorised', {});
    return { who, role: userRole.data, how: 'orthanc' };
  };
}

/** The name in a header, percent-encoded UTF-8. */
function named(header: string): string {
  try {
    return callerName.parse(decodeURIComponent(header));
  } catch (error) {
    throw createError('unauthorised', {}, error);
  }
}

/** Compares with every token, so that the time does not depend on which token matches. */
function byToken(bearer: string, tokens: readonly Token[]): Caller {
  const given = Buffer.from(hashToken(bearer), 'hex');
  let found: Token | undefined;
  for (const token of tokens) if (timingSafeEqual(given, Buffer.from(token.sha256, 'hex'))) found = token;
  if (found === undefined) throw createError('unauthorised', {});
  return { who: found.name, role: found.role, how: 'token' };
}
