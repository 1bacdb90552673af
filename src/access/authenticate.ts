import { timingSafeEqual } from 'node:crypto';
import { createError } from '../errors/errors.js';
import { type Caller, callerName, type Identity, role } from './caller.js';
import { looksLikeJwt, type OpenIdVerifier } from './openid.js';
import { sameSecret } from './secret.js';
import { hashToken, type Token } from './tokens.js';

/** The headers of an HTTP request. */
interface RequestHeaders {
  get(name: string): string | undefined;
}

/**
 * Authenticates a caller by one of
 * - `Authorization: Bearer …`: a declared token, or a token of the identity provider where there is one;
 * - `X-Plainview-Secret`: the secret shared with Orthanc. Its plugin has authenticated the user and sends the name in
 *   `X-Plainview-User` (percent-encoded UTF-8) and the role in `X-Plainview-Role`. Without a user, the caller is Orthanc
 *   itself, with the role admin. A command of Plainview sends who runs it in `X-Plainview-Command-User`; who knows the
 *   secret is an administrator.
 * @throws unauthorised, and the errors of the verifier
 */
export function authenticator(
  secret: string,
  tokens: readonly Token[],
  openId?: OpenIdVerifier,
): (request: RequestHeaders) => Promise<Identity> {
  return async (request) => {
    // Node.js limits all headers of a request to 16 KiB together.
    const bearer = /^Bearer (\S+)$/i.exec(request.get('authorization') ?? '')?.[1];
    if (bearer !== undefined && openId !== undefined && looksLikeJwt(bearer)) return openId(bearer);
    if (bearer !== undefined) return byToken(bearer, tokens);
    if (!sameSecret(request.get('x-plainview-secret') ?? '', secret)) throw createError('unauthorised', {});
    const commandUser = request.get('x-plainview-command-user');
    if (commandUser !== undefined) return { who: named(commandUser), role: 'admin', how: 'command line' };
    const user = request.get('x-plainview-user');
    if (user === undefined) return { who: 'orthanc', role: 'admin', how: 'orthanc' };
    // A user without a role is a viewer.
    const userRole = role.safeParse(request.get('x-plainview-role') ?? 'viewer');
    if (!userRole.success) throw createError('unauthorised', {});
    return { who: named(user), role: userRole.data, how: 'orthanc' };
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
