import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { createError } from '../errors/errors.js';
import { callerName, type Role, role } from './caller.js';

export interface Token {
  name: string;
  role: Role;
  /** SHA-256 of the token, hexadecimal: enough against whoever reads the file, since a token has 256 random bits. */
  sha256: string;
}

const line = z.tuple([callerName.regex(/^\S+$/), role, z.string().regex(/^[0-9a-f]{64}$/)]);

export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex');

/** A new token, and the line that declares it. */
export function createToken(name: string, of: Role): { token: string; line: string } {
  const token = `pv_${randomBytes(32).toString('base64url')}`;
  return { token, line: `${name} ${of} ${hashToken(token)}` };
}

/**
 * Reads a file of declared tokens: on each line a name, a role and a SHA-256; `#` begins a comment.
 * @throws config_invalid, naming the line
 */
export function readTokens(file: string | undefined): Token[] {
  if (file === undefined) return [];
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw createError(
      'config_invalid',
      { problems: [`PLAINVIEW_TOKENS_FILE: ${(error as Error).message}`] },
      error,
    );
  }
  const tokens = text.split('\n').flatMap((written, index): Token[] => {
    const words = written.replace(/#.*/, '').trim();
    if (words === '') return [];
    const parsed = line.safeParse(words.split(/\s+/));
    if (!parsed.success)
      throw createError('config_invalid', {
        problems: [
          `PLAINVIEW_TOKENS_FILE: line ${index + 1} is not a name, a role (viewer, reviewer, admin) and a SHA-256, as \`plainview token\` prints them`,
        ],
      });
    const [name, of, sha256] = parsed.data;
    return [{ name, role: of, sha256 }];
  });
  return tokens;
}
