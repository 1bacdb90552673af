import { userInfo } from 'node:os';
import { recordableName } from '../access/caller.js';

/** The person who runs a command, for the audit trail: behind `sudo` the one who called it. */
export const userName = (env: NodeJS.ProcessEnv = process.env): string =>
  recordableName(env.SUDO_USER || systemUser());

/** In a container the user may have an id but no name. */
function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
