import { z } from 'zod';

/** In ascending order: each role includes the permissions of the roles before it. */
export const roles = ['viewer', 'reviewer', 'admin'] as const;
export const role = z.enum(roles);
export type Role = z.output<typeof role>;

/** An authenticated caller. */
export interface Caller {
  /** The name of the token, or of the user that Orthanc's plugin authenticated. */
  who: string;
  role: Role;
  how: 'token' | 'orthanc';
}

/** Names are written into metadata and the audit log: no control characters, no markup. */
export const callerName = z.string().regex(/^[\p{L}\p{N} ._@-]{1,64}$/u);

export const mayActAs = (caller: Caller, needed: Role): boolean =>
  roles.indexOf(caller.role) >= roles.indexOf(needed);
