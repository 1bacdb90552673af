import { z } from 'zod';

/** In ascending order: each role includes the permissions of the roles before it. */
export const roles = ['viewer', 'reviewer', 'admin'] as const;
export const role = z.enum(roles);
export type Role = z.output<typeof role>;

/** An authenticated caller, who may have no role here: an identity provider also knows people of other departments. */
export interface Identity {
  /** The name of the token, or of the user that Orthanc's plugin or the identity provider authenticated. */
  who: string;
  role: Role | 'none';
  how: 'token' | 'orthanc' | 'openid' | 'command line';
}

/** An authenticated caller with a role. */
export interface Caller extends Identity {
  role: Role;
}

/** Names are written into metadata and the audit log: no control characters, no markup. */
export const callerName = z.string().regex(/^[\p{L}\p{N} ._@'+-]{1,64}$/u);

/** The nearest name that can be recorded. */
export const recordableName = (name: string): string =>
  name.slice(0, 64).replace(/[^\p{L}\p{N} ._@'+-]/gu, '_') || '_';

export const mayActAs = (caller: Identity, needed: Role): caller is Caller =>
  caller.role !== 'none' && roles.indexOf(caller.role) >= roles.indexOf(needed);
