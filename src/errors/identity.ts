import type { ErrorEntries } from './entry.js';

/** Tokens of an OpenID Connect provider. */
export const identityErrors = {
  token_refused: {
    message: (_: object) =>
      'This token of the identity provider is not valid here. Sign in again; if that does not help, the log of Plainview says why.',
    transient: false,
    status: 401,
    exit: 1,
    remedy:
      'Compare `iss` and `aud` of the token with PLAINVIEW_OIDC_ISSUER and PLAINVIEW_OIDC_AUDIENCE. See [identity.md](identity.md).',
  },
  token_expired: {
    message: (_: object) => 'This token of the identity provider has expired. Sign in again.',
    transient: false,
    status: 401,
    exit: 1,
    remedy: 'If the token is new, set the clocks of both machines.',
  },
  name_unrecordable: {
    message: (p: { claim: string }) =>
      `The token is valid, but Plainview cannot record the name in its claim ${p.claim}. Set PLAINVIEW_OIDC_NAME_CLAIM to a claim with at most 64 letters, digits, spaces and characters of ._@'+-.`,
    transient: false,
    status: 403,
    exit: 1,
  },
  issuer_unavailable: {
    message: (p: { issuer: string; url: string; why: string }) =>
      `The keys of the identity provider ${p.issuer} cannot be read, so its tokens cannot be checked (${p.url}: ${p.why}). Try again later; if it stays so, check PLAINVIEW_OIDC_ISSUER and the network.`,
    transient: true,
    status: 503,
    exit: 1,
    remedy:
      'For a certification authority of your own, set NODE_EXTRA_CA_CERTS. Tokens of `plainview token` work meanwhile.',
  },
} satisfies ErrorEntries;
