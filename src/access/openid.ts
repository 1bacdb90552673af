import type { JWTPayload } from 'jose';
import { z } from 'zod';
import type { Config } from '../config/options.js';
import { createError, PlainviewError } from '../errors/errors.js';
import { callerName, type Identity, type Role, roles } from './caller.js';
import { IdentityProvider } from './identity-provider.js';

type OpenIdOptions = Pick<
  Config,
  'oidcIssuer' | 'oidcAudience' | 'oidcRoles' | 'oidcRoleClaim' | 'oidcNameClaim' | 'oidcSignIn'
>;

/** What the options make of the identity provider. */
export interface OpenId {
  verify: OpenIdVerifier;
  /** What the review page needs to sign a person in there. Absent where that is off. @throws issuer_unavailable */
  signIn: (() => Promise<SignIn>) | undefined;
  /** Of the provider. */
  origin: string;
}

interface SignIn {
  clientId: string;
  authorizationEndpoint: string;
  tokenEndpoint: string;
}

export interface OpenIdSettings {
  /** The identity provider: `iss` of its tokens. */
  issuer: string;
  /** One of `aud` of the tokens that are meant for Plainview. */
  audience: string;
  /** The claim with the values that give a role: its name, or a path with dots. */
  roleClaim: string;
  /** The claim with the caller's name. Default: `preferred_username`, or `sub` where a token has none. */
  nameClaim: string | undefined;
  roles: readonly RoleOfValue[];
}

/** A caller whose role claim contains the value has the role. `*` stands for every caller. */
export interface RoleOfValue {
  role: Role;
  value: string;
}

export type OpenIdVerifier = (jwt: string) => Promise<Identity>;

/** Tokens of `plainview token` contain no dot. */
export const looksLikeJwt = (bearer: string): boolean => /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(bearer);

/** Asymmetric ones only: with a symmetric one, anybody could sign with the provider's public key. */
const algorithms = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA'.split(' ');
const clockToleranceSeconds = 30;
/** Other tokens of a provider, such as those of a logout, are signed by the same keys. */
const tokenTypes: readonly unknown[] = [undefined, 'jwt', 'at+jwt', 'application/at+jwt'];

/** @returns undefined where no provider is configured @throws config_invalid where a part is missing */
export function openId(config: OpenIdOptions): OpenId | undefined {
  const settings = openIdSettings(config);
  if (settings === undefined) return undefined;
  const provider = new IdentityProvider(settings.issuer);
  const signIn = async () => ({ clientId: settings.audience, ...(await provider.signInEndpoints()) });
  return {
    verify: openIdVerifier(settings, provider),
    signIn: config.oidcSignIn === 'on' ? signIn : undefined,
    origin: new URL(settings.issuer).origin,
  };
}

/** @returns undefined where no provider is configured @throws config_invalid where a part is missing */
export function openIdSettings(config: OpenIdOptions): OpenIdSettings | undefined {
  const { oidcIssuer: issuer, oidcAudience: audience, oidcRoles, oidcRoleClaim, oidcNameClaim } = config;
  const isOff = [issuer, audience, oidcRoles].every((option) => option === undefined);
  if (isOff && config.oidcSignIn === 'off') return undefined;
  if (issuer === undefined || audience === undefined || oidcRoles === undefined)
    throw createError('config_invalid', {
      problems: ['PLAINVIEW_OIDC_ISSUER, PLAINVIEW_OIDC_AUDIENCE and PLAINVIEW_OIDC_ROLES: set all or none'],
    });
  return { issuer, audience, roles: oidcRoles, roleClaim: oidcRoleClaim, nameClaim: oidcNameClaim };
}

/**
 * Verifies access tokens and ID tokens of an OpenID Connect provider. The provider is called when the first token comes,
 * not before.
 * @returns a verifier that throws token_refused, token_expired, name_unrecordable, issuer_unavailable
 */
export function openIdVerifier(
  settings: OpenIdSettings,
  provider = new IdentityProvider(settings.issuer),
): OpenIdVerifier {
  const { issuer, audience } = settings;
  // Loaded only where an identity provider is configured.
  const loaded = import('jose');
  return async (jwt) => {
    const jose = await loaded;
    try {
      const { payload, protectedHeader } = await jose.jwtVerify(
        jwt,
        (...token) => provider.key(jose, ...token),
        {
          issuer,
          audience,
          algorithms,
          clockTolerance: clockToleranceSeconds,
          requiredClaims: ['exp', 'sub'],
        },
      );
      if (!tokenTypes.includes(protectedHeader.typ?.toLowerCase()))
        throw new Error(`a token of the type ${JSON.stringify(protectedHeader.typ)}`);
      return { who: nameOf(payload, settings), role: roleOf(payload, settings), how: 'openid' };
    } catch (error) {
      if (error instanceof PlainviewError) throw error;
      if (error instanceof jose.errors.JWTExpired) throw createError('token_expired', {}, error);
      throw createError('token_refused', {}, error);
    }
  };
}

function nameOf(claims: JWTPayload, { nameClaim }: OpenIdSettings): string {
  const fallback = claims.preferred_username === undefined ? 'sub' : 'preferred_username';
  const claim = nameClaim ?? fallback;
  const name = z.string().normalize('NFC').pipe(callerName).safeParse(valueAt(claims, claim));
  if (!name.success) throw createError('name_unrecordable', { claim });
  return name.data;
}

/** The highest role that a value of the claim gives. */
function roleOf(claims: JWTPayload, { roleClaim, roles: mapping }: OpenIdSettings): Role | 'none' {
  const claim = valueAt(claims, roleClaim);
  const values: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  const given = mapping.filter(({ value }) => value === '*' || values.includes(value));
  return roles.findLast((role) => given.some((each) => each.role === role)) ?? 'none';
}

/** A claim may have dots in its own name (`https://example.org/roles`), so the whole name is tried first. */
function valueAt(claims: unknown, path: string): unknown {
  const object = z.record(z.string(), z.unknown()).safeParse(claims);
  if (!object.success) return undefined;
  if (Object.hasOwn(object.data, path)) return object.data[path];
  for (let dot = path.indexOf('.'); dot !== -1; dot = path.indexOf('.', dot + 1)) {
    const first = path.slice(0, dot);
    if (Object.hasOwn(object.data, first)) return valueAt(object.data[first], path.slice(dot + 1));
  }
  return undefined;
}
