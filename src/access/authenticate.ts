import { timingSafeEqual } from 'node:crypto';
import { createError } from '../errors/errors.js';
import { type Caller, callerName, role } from './caller.js';
import { sameSecret } from './secret.js';
import { hashToken, type Token } from './tokens.js';

/** The headers of a request, whatever library serves it. */
interface RequestHeaders {
  get(name: string): string | undefined;
}

/**
 * Says who the caller is, from one of
 * - `Authorization: Bearer …`: a declared token;
 * - `X-Plainview-Secret`: the secret shared with Orthanc, whose plugin has checked the user and names them in
 *   `X-Plainview-User` (percent-encoded UTF-8) and `X-Plainview-Role`. Without a user the caller is Orthanc itself, an admin.
 * @throws unauthorised
 */
export function authenticator(secret: string, tokens: readonly Token[]): (request: RequestHeaders) => Caller {
  return (request) => {
    const bearer = /^Bearer (\S{1,200})$/i.exec(request.get('authorization') ?? '')?.[1];
    if (bearer !== undefined) return byToken(bearer, tokens);
    if (!sameSecret(request.get('x-plainview-secret') ?? '', secret)) throw createError('unauthorised', {});
    const user = request.get('x-plainview-user');
    if (user === undefined) return { who: 'orthanc', role: 'admin', how: 'orthanc' };
    const who = callerName.safeParse(decoded(user));
    // A user without a role is a viewer.
    const of = role.safeParse(request.get('x-plainview-role') ?? 'viewer');
    if (!who.success || !of.success) throw createError('unauthorised', {});
    return { who: who.data, role: of.data, how: 'orthanc' };
  };
}

function decoded(header: string): string | undefined {
  try {
    return decodeURIComponent(header);
  } catch {
    return undefined;
  }
}

/** Compares with every token, so that the time reveals nothing about a partly right guess. */
function byToken(bearer: string, tokens: readonly Token[]): Caller {
  const given = Buffer.from(hashToken(bearer), 'hex');
  let found: Token | undefined;
  for (const token of tokens) if (timingSafeEqual(given, Buffer.from(token.sha256, 'hex'))) found = token;
  if (found === undefined) throw createError('unauthorised', {});
  return { who: found.name, role: found.role, how: 'token' };
}
