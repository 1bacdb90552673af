import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { createError } from '../errors/errors.js';
import { fileProblem } from '../files/file-problem.js';
import { callerName, type Role, role } from './caller.js';

export interface Token {
  name: string;
  role: Role;
  /** SHA-256 of the token, hexadecimal. A plain hash is enough: a token has 256 random bits. */
  sha256: string;
}

const line = z.tuple([callerName.regex(/^\S+$/), role, z.string().regex(/^[0-9a-f]{64}$/)]);

export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex');

/** Makes a new token, and the line of the tokens file that declares it. */
export function createToken(name: string, tokenRole: Role): { token: string; line: string } {
  const token = `pv_${randomBytes(32).toString('base64url')}`;
  return { token, line: `${name} ${tokenRole} ${hashToken(token)}` };
}

/**
 * Reads a file of declared tokens. Each line holds a name, a role and a SHA-256. `#` begins a comment.
 * @throws config_invalid with the number of the wrong line
 */
export function readTokens(file: string | undefined): Token[] {
  if (file === undefined) return [];
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const problem = `PLAINVIEW_TOKENS_FILE: ${fileProblem(file, error)} (\`plainview token\` prints its lines)`;
    throw createError('config_invalid', { problems: [problem] }, error);
  }
  const tokens = text.split('\n').flatMap((declaration, index): Token[] => {
    const content = declaration.replace(/#.*/, '').trim();
    if (content === '') return [];
    const parsed = line.safeParse(content.split(/\s+/));
    if (!parsed.success)
      throw createError('config_invalid', {
        problems: [
          `PLAINVIEW_TOKENS_FILE: line ${index + 1} is not a name, a role (viewer, reviewer, admin) and a SHA-256, as \`plainview token\` prints them`,
        ],
      });
    const [name, tokenRole, sha256] = parsed.data;
    return [{ name, role: tokenRole, sha256 }];
  });
  return tokens;
}
