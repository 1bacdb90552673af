import { userInfo } from 'node:os';

/** Who runs the command. In a container the user may have an id but no name. */
export function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
