import { z } from 'zod';

/** Each may do what those before it may. */
export const roles = ['viewer', 'reviewer', 'admin'] as const;
export const role = z.enum(roles);
export type Role = z.output<typeof role>;

/** Who asks, once it is certain. */
export interface Caller {
  /** A token's name, or the user that Orthanc's plugin vouches for. */
  who: string;
  role: Role;
  how: 'token' | 'orthanc';
}

/** Names stand in metadata, labels' history and the audit log: no control characters, no markup. */
export const callerName = z.string().regex(/^[\p{L}\p{N} ._@-]{1,64}$/u);

export const mayActAs = (caller: Caller, needed: Role): boolean =>
  roles.indexOf(caller.role) >= roles.indexOf(needed);
