import { timingSafeEqual } from 'node:crypto';
import { createError } from '../errors/errors.js';
import { type Caller, callerName, role } from './caller.js';
import { type Signatures, type SignedRequest, signatureHeader } from './signature.js';
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
 * - `Authorization: Bearer …`: a declared token;
 * - `X-Plainview-Signature`: Orthanc's plugin, or a command, has signed the request with a key of the shared secret. It has
 *   authenticated the user and sends the name in `X-Plainview-User` (percent-encoded UTF-8) and the role in
 *   `X-Plainview-Role`.
 * @throws unauthorised, clocks_differ, request_replayed, secret_sent
 */
export function authenticator(
  signatures: Signatures,
  tokens: readonly Token[],
): (request: HttpRequest) => Caller {
  return (request) => {
    const bearer = /^Bearer (\S{1,200})$/i.exec(request.get('authorization') ?? '')?.[1];
    if (bearer !== undefined) return byToken(bearer, tokens);
    const signature = request.get(signatureHeader);
    if (signature === undefined) {
      const isOldPlugin = request.get('x-plainview-secret') !== undefined;
      throw createError(isOldPlugin ? 'secret_sent' : 'unauthorised', {});
    }
    const signed = signedPartsOf(request);
    signatures.check(signed, signature);
    const name = callerName.safeParse(decoded(signed.user));
    const userRole = role.safeParse(signed.role);
    if (!name.success || !userRole.success) throw createError('unauthorised', {});
    return { who: name.data, role: userRole.data, how: 'orthanc' };
  };
}

function decoded(header: string): string | undefined {
  try {
    return decodeURIComponent(header);
  } catch {
    return undefined;
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
